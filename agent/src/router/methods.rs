//! Every method beside its handler. A table. Not here: names, parameters and results, which are the protocol's.
use std::sync::Arc;

use jsonrpsee::Methods;
use tenon_protocol::methods::{
    Admin, Answer, Apply, Auth, Close, Complete, Configure, Diff, Fetch, Interrupt, Job, List, Log, Observe,
    Open, Pending, Plan, Prompt, Revert, Run, Unobserve,
};

use crate::handlers::{
    Daemon, admin, answer, auth, changes, complete, configure, diff, fetch, job, list, log, observe, prompt,
    session,
};
use crate::router::Router;
use crate::router::table::{Table, TableError};

/// Makes the router of a daemon.
///
/// # Errors
/// When a method has two handlers or none.
pub(crate) fn router(daemon: &Daemon) -> Result<Arc<Router>, TableError> {
    Ok(Router::new(methods(daemon.clone())?, Arc::new(daemon.clone())))
}

fn methods(daemon: Daemon) -> Result<Methods, TableError> {
    Table::new(daemon)
        .method::<Open, _, _>(session::open)?
        .method::<List, _, _>(list::list)?
        .connection_method::<Close, _, _>(session::close)?
        .method::<Prompt, _, _>(prompt::prompt)?
        .method::<Pending, _, _>(prompt::pending)?
        .method::<Interrupt, _, _>(prompt::interrupt)?
        .connection_method::<Observe, _, _>(observe::observe)?
        .connection_method::<Unobserve, _, _>(observe::unobserve)?
        .method::<Log, _, _>(log::log)?
        .method::<Diff, _, _>(diff::diff)?
        .method::<Answer, _, _>(answer::answer)?
        .method::<Configure, _, _>(configure::configure)?
        .method::<Auth, _, _>(auth::auth)?
        .method::<Complete, _, _>(complete::complete)?
        .method::<Run, _, _>(job::run)?
        .method::<Job, _, _>(job::job)?
        .method::<Fetch, _, _>(fetch::fetch)?
        .method::<Plan, _, _>(changes::plan)?
        .method::<Apply, _, _>(changes::apply)?
        .method::<Revert, _, _>(changes::revert)?
        .method::<Admin, _, _>(admin::admin)?
        .complete()
}
