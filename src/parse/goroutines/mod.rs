//! goroutines
