//! Environment variables as people write them: an empty one is none, a switch is
//! turned by `1` as by `true`, and what is wrong is said of the variable.

use std::ffi::{OsStr, OsString};

use clap::builder::{BoolishValueParser, Resettable};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};

/// Reads arguments and variables; ends the process if they cannot be used, or if
/// they ask for help.
pub(super) fn read(command: &Command) -> ArgMatches {
    let adapted = command.clone().mut_args(adapt);
    let adapted = adapted.mut_subcommands(|command| command.mut_args(adapt));
    adapted.try_get_matches().unwrap_or_else(|error| match error.kind() {
        // That of the command as it is: with its variables, be they empty or not.
        ErrorKind::DisplayHelp => command.clone().get_matches(),
        _ => said_of_its_variable(error, command).exit(),
    })
}

fn adapt(arg: Arg) -> Arg {
    let arg = match arg.get_action() {
        ArgAction::SetTrue => arg.value_parser(BoolishValueParser::new()),
        _ => arg,
    };
    match arg.get_env().and_then(std::env::var_os) {
        // What Docker Compose sets for a `${NAME:-}` that is not there.
        Some(value) if value.to_string_lossy().trim().is_empty() => arg.env(Resettable::Reset),
        _ => arg,
    }
}

/// Names the variable that an error is about, if it is about one.
fn said_of_its_variable(mut error: clap::Error, command: &Command) -> clap::Error {
    let Some(ContextValue::String(about)) = error.get(ContextKind::InvalidArg) else {
        return error;
    };
    // Built, arguments know how they are written.
    let mut built = command.clone();
    built.build();
    let commands = std::iter::once(&built).chain(built.get_subcommands());
    let args = commands.flat_map(Command::get_arguments);
    let named = args
        .filter(|arg| arg.to_string() == *about && !is_an_argument(arg))
        .find_map(|arg| Some(format!("{} ({about})", arg.get_env()?.display())));
    if let Some(named) = named {
        error.insert(ContextKind::InvalidArg, ContextValue::String(named));
    }
    error
}

/// Whether it stands among the process's arguments, in place of its variable.
fn is_an_argument(arg: &Arg) -> bool {
    let Some(long) = arg.get_long() else { return true };
    let flag = format!("--{long}");
    let is_it = |given: OsString| {
        let given = given.to_string_lossy();
        given.strip_prefix(&flag).is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
    };
    // What follows belongs to the command that `exec` runs.
    std::env::args_os().take_while(|given| given != OsStr::new("--")).any(is_it)
}

/// What a setting was given by: its flag or its variable; `None` if it was not.
pub(super) fn given_by(command: &Command, given: &ArgMatches, id: &str) -> Option<String> {
    let mut args = command.get_arguments();
    let arg = args.find(|arg| arg.get_id() == id)?;
    match given.value_source(id)? {
        ValueSource::EnvVariable => arg.get_env().map(|name| name.display().to_string()),
        ValueSource::CommandLine => arg.get_long().map(|long| format!("--{long}")),
        _ => None,
    }
}
