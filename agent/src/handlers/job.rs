//! `agent/run` and `agent/job`. Not here: whether a command may run (`session`).
use std::sync::Arc;

use tenon_protocol::error::RpcError;
use tenon_protocol::job::{JobOp, JobParams, JobResult, JobSize, RunParams, RunResult};

use crate::base::base64;
use crate::daemon::{Caller, Daemon};
use crate::handlers::check::{invalid, length};

/// The longest command, in bytes: far below what the kernel takes as one argument (128 KiB).
const COMMAND_BYTES_MAX: usize = 64 << 10;

/// Bytes of one `write`; a client sends more in pieces.
const WRITE_BYTES_MAX: usize = 64 << 10;

/// The largest terminal, in either direction.
const SIZE_MAX: u16 = 1_000;

/// Runs the person's own command.
pub(crate) async fn run(
    daemon: Daemon,
    caller: Arc<Caller>,
    params: RunParams,
) -> Result<RunResult, RpcError> {
    length("command", Some(&params.command), COMMAND_BYTES_MAX)?;
    check_command(&params.command)?;
    check_size(params.size)?;
    daemon.run(&caller, params).await
}

/// Tells a running job what to do.
pub(crate) async fn job(daemon: Daemon, _: Arc<Caller>, params: JobParams) -> Result<JobResult, RpcError> {
    check(&params)?;
    daemon.job(params).await
}

fn check_command(command: &str) -> Result<(), RpcError> {
    if command.trim().is_empty() {
        return Err(invalid("command is empty"));
    }
    if command.contains('\0') {
        return Err(invalid("command holds a NUL character, which no program can be given"));
    }
    Ok(())
}

fn check_size(size: Option<JobSize>) -> Result<(), RpcError> {
    let is_sound =
        |size: JobSize| (1..=SIZE_MAX).contains(&size.rows) && (1..=SIZE_MAX).contains(&size.columns);
    if size.is_none_or(is_sound) { Ok(()) } else { Err(invalid(format!("size is 1 to {SIZE_MAX} each way"))) }
}

fn check(params: &JobParams) -> Result<(), RpcError> {
    match params.op {
        JobOp::Write => {
            let length = match (&params.data, &params.text) {
                (Some(data), None) => base64::decode(data).ok_or_else(|| invalid("data is no base64"))?.len(),
                (None, Some(text)) => text.len(),
                _ => return Err(invalid("write takes either data or text")),
            };
            if length > WRITE_BYTES_MAX {
                return Err(invalid(format!("at most {WRITE_BYTES_MAX} bytes can be written at once")));
            }
            Ok(())
        }
        JobOp::Resize if params.size.is_none() => Err(invalid("resize takes a size")),
        JobOp::Resize => check_size(params.size),
        JobOp::Kill | JobOp::Foreground => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn is_refused(params: Value) -> bool {
        check(&serde_json::from_value(params).unwrap()).is_err()
    }

    #[test]
    fn a_job_is_told_one_thing_and_all_of_it() {
        let job = |op: &str, more: Value| {
            let mut params = json!({"jobId": "j_1", "op": op});
            params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            params
        };
        assert!(is_refused(job("write", json!({}))));
        assert!(is_refused(job("write", json!({"data": "eA==", "text": "x"}))));
        assert!(is_refused(job("write", json!({"data": "x"}))));
        assert!(is_refused(job("write", json!({"text": "x".repeat(WRITE_BYTES_MAX + 1)}))));
        assert!(!is_refused(job("write", json!({"data": "eA=="}))));
        assert!(!is_refused(job("write", json!({"text": "x"}))));
        assert!(is_refused(job("resize", json!({}))));
        assert!(is_refused(job("resize", json!({"size": {"rows": 0, "columns": 80}}))));
        assert!(is_refused(job("resize", json!({"size": {"rows": 24, "columns": 1001}}))));
        assert!(!is_refused(job("resize", json!({"size": {"rows": 24, "columns": 80}}))));
        assert!(!is_refused(job("kill", json!({}))));
    }

    #[test]
    fn a_command_says_something_that_a_program_can_be_given() {
        assert!(check_command(" \n").is_err());
        assert!(check_command("a\0b").is_err());
        assert!(check_command("true").is_ok());
    }
}
