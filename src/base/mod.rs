//! What every layer needs and what knows no layer: time with its error bar, units, printable text, language.

pub mod lang;
pub mod progress;
pub mod ready;
pub mod text;
pub mod time;
pub mod units;
