//! Environment variables of other emulators, understood where they mean
//! something here. Our own variables and flags win, and nothing is ignored
//! without a word.
//!
//! Sources: the README of kinesis-mock, LocalStack's configuration page.

use std::time::Duration;

use clap::ArgMatches;
use clap::parser::ValueSource;

use crate::model::error::ErrorKind;
use crate::model::settings::{parse_duration, parse_limit};
use crate::operations::OperationName;
use crate::service::faults::{Action, Rule};
use crate::service::init::Init;

use super::{Arguments, Command};

/// What a variable of somebody else's means here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Region,
    AccountId,
    ShardLimit,
    StreamLimit,
    /// One of several durations; the longest counts.
    StateDelay,
    /// A bare number of milliseconds.
    StateDelayMillis,
    Port,
    Streams,
    /// How likely a record that is put is refused for throughput.
    ErrorProbability,
    /// Nothing, and why not.
    Nothing(&'static str),
}

use Meaning::{
    AccountId, ErrorProbability, Nothing, Port, Region, ShardLimit, StateDelay, StateDelayMillis,
    StreamLimit, Streams,
};

const NOT_KEPT: &str = "--data-dir keeps everything, as it is written";
const NO_LOG: &str = "there is no log";
const ONE_PORT: &str = "TLS has the same port";
const NO_ENGINES: &str = "there is one engine";

/// Of two that mean the same the first counts.
const ALIASES: &[(&str, Meaning)] = &[
    ("AWS_REGION", Region),
    ("AWS_DEFAULT_REGION", Region),
    ("DEFAULT_REGION", Region),
    ("AWS_ACCOUNT_ID", AccountId),
    ("INITIALIZE_STREAMS", Streams),
    ("KINESIS_INITIALIZE_STREAMS", Streams),
    ("SHARD_LIMIT", ShardLimit),
    ("ON_DEMAND_STREAM_COUNT_LIMIT", StreamLimit),
    ("KINESIS_ON_DEMAND_STREAM_COUNT_LIMIT", StreamLimit),
    ("KINESIS_MOCK_PLAIN_PORT", Port),
    ("CREATE_STREAM_DURATION", StateDelay),
    ("DELETE_STREAM_DURATION", StateDelay),
    ("REGISTER_STREAM_CONSUMER_DURATION", StateDelay),
    ("DEREGISTER_STREAM_CONSUMER_DURATION", StateDelay),
    ("START_STREAM_ENCRYPTION_DURATION", StateDelay),
    ("STOP_STREAM_ENCRYPTION_DURATION", StateDelay),
    ("MERGE_SHARDS_DURATION", StateDelay),
    ("SPLIT_SHARD_DURATION", StateDelay),
    ("UPDATE_SHARD_COUNT_DURATION", StateDelay),
    ("UPDATE_STREAM_MODE_DURATION", StateDelay),
    ("KINESIS_LATENCY", StateDelayMillis),
    ("KINESIS_ERROR_PROBABILITY", ErrorProbability),
    ("KINESIS_MOCK_TLS_PORT", Nothing(ONE_PORT)),
    ("KINESIS_MOCK_CERT_PATH", Nothing("certificates are made when they are needed")),
    ("KINESIS_MOCK_PROVIDER_ENGINE", Nothing(NO_ENGINES)),
    ("KINESIS_PROVIDER", Nothing(NO_ENGINES)),
    ("KINESIS_MOCK_INITIAL_HEAP_SIZE", Nothing(NO_ENGINES)),
    ("KINESIS_MOCK_MAXIMUM_HEAP_SIZE", Nothing(NO_ENGINES)),
    ("KINESIS_MOCK_LOG_LEVEL", Nothing(NO_LOG)),
    ("LOG_LEVEL", Nothing(NO_LOG)),
    ("ROOT_LOG_LEVEL", Nothing(NO_LOG)),
    ("KINESIS_PERSISTENCE", Nothing(NOT_KEPT)),
    ("KINESIS_MOCK_PERSIST_INTERVAL", Nothing(NOT_KEPT)),
    ("SHOULD_PERSIST_DATA", Nothing(NOT_KEPT)),
    ("LOAD_DATA_IF_EXISTS", Nothing(NOT_KEPT)),
    ("PERSIST_PATH", Nothing(NOT_KEPT)),
    ("PERSIST_FILE_NAME", Nothing(NOT_KEPT)),
    ("PERSIST_INTERVAL", Nothing(NOT_KEPT)),
];

impl Meaning {
    /// The flag that says the same, and clap's name for it.
    fn flag(self) -> (&'static str, &'static str) {
        match self {
            Region => ("--region", "region"),
            AccountId => ("--account-id", "account_id"),
            ShardLimit => ("--shard-limit", "shard_limit"),
            StreamLimit => ("--stream-limit", "stream_limit"),
            StateDelay | StateDelayMillis => ("--state-delay", "state_delay"),
            Port => ("--port", "port"),
            Streams => ("--init", "init_file"),
            ErrorProbability => ("--faults", "faults"),
            Nothing(_) => ("", ""),
        }
    }
}

/// Puts what other emulators' variables say into arguments that do not say it
/// themselves. Returns what there is to tell about it. `command` is the one that
/// was called, with what it was `given`.
///
/// # Errors
/// If a variable's value cannot be read.
pub(super) fn apply(
    arguments: &mut Arguments,
    command: &clap::Command,
    given: &ArgMatches,
    read: impl Fn(&str) -> Option<String>,
) -> Result<Vec<String>, String> {
    let mut said = Vec::new();
    // Who said it first, by flag.
    let mut applied: Vec<(&str, &str, String)> = Vec::new();
    for (variable, meaning) in ALIASES {
        let Some(value) = read(variable).filter(|value| !value.trim().is_empty()) else {
            continue;
        };
        let (flag, name) = meaning.flag();
        if let Nothing(why) = meaning {
            said.push(format!("{variable} has no meaning here: {why}"));
            continue;
        }
        if !has_flag(command, name) {
            continue;
        }
        if is_given(given, name) {
            said.push(format!("{variable} is not used: {flag} is given"));
            continue;
        }
        if *meaning == Port && matches!(arguments.command, Some(Command::Exec { .. })) {
            said.push(format!("{variable} is not used: a command's own emulator has a free port"));
            continue;
        }
        let longest = matches!(meaning, StateDelay | StateDelayMillis);
        match applied.iter().find(|(known, ..)| *known == flag) {
            Some((_, first, before)) if !longest => {
                if *before != value {
                    said.push(format!("{variable} is not used: {first} says otherwise"));
                }
                continue;
            }
            _ => {}
        }
        let understood = arguments
            .understand(*meaning, value.trim())
            .map_err(|error| format!("invalid value '{value}' for {variable}: {error}"))?;
        said.push(format!("{variable} is understood as {flag} {understood}"));
        applied.push((flag, variable, value));
    }
    Ok(said)
}

impl Arguments {
    /// Takes a value over; returns how it would be written here.
    fn understand(&mut self, meaning: Meaning, value: &str) -> Result<String, String> {
        let (serving, port) = match &mut self.command {
            None => (&mut self.serving, &mut self.port),
            Some(Command::Exec { port, serving, .. }) => (serving.as_mut(), port),
            Some(Command::Env { port, region, .. }) => {
                return match meaning {
                    Region => set(region, value),
                    Port => set(port, value),
                    _ => Ok(String::new()),
                };
            }
            Some(Command::Health { port, .. }) => {
                return if meaning == Port { set(port, value) } else { Ok(String::new()) };
            }
        };
        let settings = &mut serving.settings;
        match meaning {
            Region => set(&mut settings.region, value),
            AccountId => set(&mut settings.account_id, value),
            ShardLimit => {
                settings.shard_limit = Some(parse_limit(value)?);
                Ok(value.to_owned())
            }
            StreamLimit => {
                settings.stream_limit = Some(parse_limit(value)?);
                Ok(value.to_owned())
            }
            StateDelay | StateDelayMillis => {
                let delay = match meaning {
                    StateDelay => parse_duration(&short_units(value))?,
                    _ => Duration::from_millis(value.parse().map_err(|_| {
                        "LocalStack's variable is a number of milliseconds; \
                         what calls take is KINESIS_CALL_LATENCY here"
                    })?),
                };
                let longest = serving.longest_state.map_or(delay, |before| before.max(delay));
                serving.longest_state = Some(longest);
                settings.state_delay = longest;
                Ok(format!("{}ms", longest.as_millis()))
            }
            Port => set(port, value),
            Streams => {
                serving.init = Init::from_list(value).map_err(|error| error.to_string())?;
                Ok("with these streams".to_owned())
            }
            ErrorProbability => {
                let probability = value.parse::<f64>().ok().filter(|p| (0.0..=1.0).contains(p));
                let probability = probability.ok_or("it is no number from 0 to 1")?;
                let refused = Action::FailRecords {
                    error: ErrorKind::ProvisionedThroughputExceeded,
                    message: None,
                };
                let rule = Rule::new(refused)
                    .operation(OperationName::PutRecord)
                    .operation(OperationName::PutRecords)
                    .with_probability(probability);
                let written = rule.to_json();
                serving.rules = vec![rule];
                Ok(format!("with the rule {written}"))
            }
            Nothing(_) => Ok(String::new()),
        }
    }
}

fn set<T>(place: &mut T, value: &str) -> Result<String, String>
where
    T: std::str::FromStr<Err: std::fmt::Display> + std::fmt::Display,
{
    *place = value.parse().map_err(|error: T::Err| error.to_string())?;
    Ok(place.to_string())
}

/// Whether a command has such a flag. Its matches know only in debug builds.
fn has_flag(command: &clap::Command, name: &str) -> bool {
    command.get_arguments().any(|argument| argument.get_id() == name)
}

/// Whether the flag or its own variable is there.
fn is_given(given: &ArgMatches, name: &str) -> bool {
    given.value_source(name).is_some_and(|source| source != ValueSource::DefaultValue)
}

/// Scala's durations, as kinesis-mock takes them: `500ms`, `1 second`.
fn short_units(duration: &str) -> String {
    let duration = duration.to_lowercase().replace(' ', "");
    let digits = duration.trim_end_matches(|letter: char| !letter.is_ascii_digit());
    let unit = match &duration[digits.len()..] {
        "millis" | "milli" | "milliseconds" | "millisecond" => "ms",
        "seconds" | "second" => "s",
        "minutes" | "minute" => "m",
        "hours" | "hour" => "h",
        other => other,
    };
    format!("{digits}{unit}")
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, FromArgMatches as _};

    use crate::cli::called;

    use super::*;

    /// What arguments and variables come to, and what is said about it.
    fn applied(arguments: &[&str], variables: &[(&str, &str)]) -> (Arguments, Vec<String>) {
        let (arguments, said) = try_apply(arguments, variables);
        (arguments, said.expect("they can be used"))
    }

    fn try_apply(
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> (Arguments, Result<Vec<String>, String>) {
        let arguments = [&["kinesis-emulator"], arguments].concat();
        let command = Arguments::command();
        let matches = command.clone().try_get_matches_from(arguments).expect("they are known");
        let mut arguments = Arguments::from_arg_matches(&matches).expect("they are whole");
        let (command, given) = called(&command, &matches);
        let read = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let said = apply(&mut arguments, command, given, read);
        (arguments, said)
    }

    #[test]
    fn the_variables_of_kinesis_mock_and_localstack_are_understood() {
        let (arguments, said) = applied(
            &[],
            &[
                ("AWS_REGION", "eu-west-1"),
                ("AWS_ACCOUNT_ID", "123456789012"),
                ("SHARD_LIMIT", "7"),
                ("KINESIS_ON_DEMAND_STREAM_COUNT_LIMIT", "Infinity"),
                ("KINESIS_MOCK_PLAIN_PORT", "4568"),
                ("CREATE_STREAM_DURATION", "2 seconds"),
                ("SPLIT_SHARD_DURATION", "500ms"),
                ("KINESIS_INITIALIZE_STREAMS", "a:1,b::eu-west-2"),
            ],
        );
        let settings = &arguments.serving.settings;
        assert_eq!(settings.region.to_string(), "eu-west-1");
        assert_eq!(settings.account_id.to_string(), "123456789012");
        assert_eq!((settings.shard_limit, settings.stream_limit), (Some(7), Some(u32::MAX)));
        assert_eq!(settings.state_delay, Duration::from_secs(2));
        assert_eq!(arguments.port, 4568);
        assert_eq!(Ok(&arguments.serving.init), Init::from_list("a:1,b::eu-west-2").as_ref());
        assert_eq!(said.len(), 8, "{said:?}");
        assert!(said.contains(&"SHARD_LIMIT is understood as --shard-limit 7".to_owned()));
    }

    #[test]
    fn an_error_probability_is_a_fault_rule() {
        let (arguments, said) = applied(&[], &[("KINESIS_ERROR_PROBABILITY", "0.25")]);
        let [rule] = &arguments.serving.rules[..] else { panic!("one rule") };
        assert!(rule.to_json().contains(r#""probability":0.25"#), "{}", rule.to_json());
        assert!(said[0].contains("--faults with the rule"), "{said:?}");
        for wrong in ["2", "often", "-1"] {
            let (_, said) = try_apply(&[], &[("KINESIS_ERROR_PROBABILITY", wrong)]);
            assert!(said.is_err(), "{wrong}");
        }
    }

    #[test]
    fn localstacks_latency_is_a_state_delay() {
        let delay = |value: &str| {
            let (arguments, said) = applied(&[], &[("KINESIS_LATENCY", value)]);
            (arguments.serving.settings.state_delay, said.len())
        };
        assert_eq!(delay("250"), (Duration::from_millis(250), 1));
        assert_eq!(delay("0"), (Duration::ZERO, 1));
    }

    #[test]
    fn the_longest_state_of_another_emulator_counts_whatever_is_ours() {
        let all = [("CREATE_STREAM_DURATION", "20ms"), ("SPLIT_SHARD_DURATION", "50ms")];
        let delay = |variables| applied(&[], variables).0.serving.settings.state_delay;
        assert_eq!(delay(&all), Duration::from_millis(50));
        assert_eq!(delay(&[]), Duration::from_millis(200), "the binary's own");
    }

    #[test]
    fn our_own_flags_win() {
        let (arguments, said) = applied(&["--shard-limit", "3"], &[("SHARD_LIMIT", "7")]);
        assert_eq!(arguments.serving.settings.shard_limit, Some(3));
        assert_eq!(said, ["SHARD_LIMIT is not used: --shard-limit is given"]);
    }

    #[test]
    fn of_two_aliases_the_first_counts_and_agreement_is_no_news() {
        let (arguments, said) = applied(
            &[],
            &[
                ("AWS_REGION", "eu-west-1"),
                ("AWS_DEFAULT_REGION", "eu-west-1"),
                ("DEFAULT_REGION", "us-west-2"),
            ],
        );
        assert_eq!(arguments.serving.settings.region.to_string(), "eu-west-1");
        assert_eq!(
            said,
            [
                "AWS_REGION is understood as --region eu-west-1",
                "DEFAULT_REGION is not used: AWS_REGION says otherwise",
            ]
        );
    }

    #[test]
    fn what_means_nothing_here_is_said() {
        let (_, said) = applied(&[], &[("KINESIS_MOCK_TLS_PORT", "4567"), ("LOG_LEVEL", "")]);
        assert_eq!(said, ["KINESIS_MOCK_TLS_PORT has no meaning here: TLS has the same port"]);
    }

    #[test]
    fn a_value_that_cannot_be_read_is_named() {
        let (_, said) = try_apply(&[], &[("SHARD_LIMIT", "many")]);
        assert!(
            said.expect_err("it is wrong").starts_with("invalid value 'many' for SHARD_LIMIT: ")
        );
    }

    #[test]
    fn commands_understand_what_they_have_flags_for() {
        let variables = [("AWS_REGION", "eu-west-1"), ("SHARD_LIMIT", "7")];
        let (arguments, said) = applied(&["env"], &variables);
        let Some(Command::Env { region, .. }) = arguments.command else { panic!("not env") };
        assert_eq!((region.to_string().as_str(), said.len()), ("eu-west-1", 1));
        let (arguments, said) = applied(&["exec", "--", "true"], &variables);
        let Some(Command::Exec { serving, .. }) = arguments.command else { panic!("not exec") };
        assert_eq!((serving.settings.shard_limit, said.len()), (Some(7), 2));
        let (_, said) = applied(&["health"], &variables);
        assert_eq!(said, [""; 0]);
    }
}
