//! What the integration tests share: the scripted model server, the sandboxed home, the scenario runner.
pub mod model_server;
