//! Any bytes as stacks of the kernel: whatever is read has frames and is a statement.
#![no_main]

use kforensics::parse::kernel;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for stack in kernel::read(bytes, "proc/1/stack") {
        assert!(!stack.frames.is_empty());
        assert!(stack.state_line().text.contains("stack="));
    }
});
