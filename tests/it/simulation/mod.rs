//! The emulator in a simulated world.

mod turmoil;
