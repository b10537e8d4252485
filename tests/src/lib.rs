//! What the integration tests share: the scripted model server, the sandboxed home, the scenario runner.
pub mod builds;
pub mod conversation;
pub mod golden;
pub mod home;
pub mod layers;
pub mod model_server;
pub mod nvim;
pub mod process;
pub mod promised;
pub mod raw;
pub mod running;
pub mod surroundings;
pub mod terminal;
pub mod waiting;
pub mod web;
pub mod scenario;
