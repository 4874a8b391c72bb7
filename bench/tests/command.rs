//! The command as people use it: what it says, what it leaves behind, how it exits.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Output, Stdio};

use kinesis_emulator::Emulator;
use serde_json::Value;

/// The command with nothing of this machine's AWS set-up.
fn bench(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kinesis-bench"));
    for name in ["AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"] {
        command.env_remove(name);
    }
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
        command.env_remove(name);
    }
    command
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .args(arguments);
    command
}

/// Exit code, stdout and stderr.
fn ended(mut command: Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

async fn streams(emulator: &Emulator) -> Vec<String> {
    let listed = emulator.client().list_streams().send().await.unwrap();
    listed.stream_names().to_vec()
}

async fn emulator_with_orders(shards: i32) -> Emulator {
    let emulator = Emulator::start().await;
    let client = emulator.client();
    client.create_stream().stream_name("orders").shard_count(shards).send().await.unwrap();
    emulator
}

#[test]
fn what_cannot_be_measured_is_said_in_a_sentence_with_exit_code_2() {
    let nobody = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    for (arguments, advice) in [
        (&["run", "put", "--target", &nobody][..], "start the emulator there"),
        (&["run", "put", "--target", "http://192.0.2.1:4566"], "--i-own-this-endpoint"),
        (&["run", "put", "--target", "aws"], "--i-own-this-endpoint"),
        (&["run", "put", "--target", "aws", "--i-own-this-endpoint"], "set AWS_REGION"),
        (&["run", "put", "--h2c"], "--driver native"),
        (
            &["run", "put", "-t", "in-process", "--driver", "native", "--latency", "1ms"],
            "--target loopback",
        ),
        (
            &["run", "put", "-t", "http://127.0.0.1:1", "--limits", "aws"],
            "only the built-in emulator takes --limits",
        ),
        (&["run", "put", "--batch", "4"], "run put-batch or drain or mixed"),
        (&["produce", "--samples"], "leave out --samples"),
        (&["run", "put", "--template", "{{pet.name}}"], "it knows random.number"),
        (&["run", "put", "--payload-file", "no/such/file"], "cannot be used"),
        (&["run", "put", "--ca-file", "no/such/file"], "PEM"),
        (&["run", "put", "--json", "no/such/folder/run.json"], "name another file"),
        (&["--in-process", "--json", "no/such/folder/run.json"], "name another file"),
        // Nobody answers there, and that is not what is said: nobody was asked.
        (&["run", "put", "-t", &nobody, "--format", "jtl"], "measure with --samples"),
        (&["run", "put", "-t", &nobody, "--baseline", "no/such/file"], "name a file that --json"),
        (&["run", "put", "-t", &nobody, "--fail-if", "end_to_end.p99>1s"], "nothing end to end"),
        (&["run", "put", "-t", &nobody, "--fail-if", "drain.p99>1s"], "it has produce, consume"),
        (&["run", "put", "-t", &nobody, "--fail-if", "cpu_time>1s"], "does not measure cpu_time"),
        (&["run", "put", "-t", "null", "--fail-if", "lost>0"], "verifies nothing"),
        (&["compare", "-t", &nobody, "-t", "null", "--format", "hgrm"], "one at a time"),
        (&["run", "put-batch", "--payload-bytes", "1MB", "--batch", "20"], "--batch 10 or less"),
        (&["run", "large-records", "--payload-bytes", "10MiB"], "10485752 bytes are the most"),
        (&["compare", "--target", "in-process"], "give --target again"),
        (&["compare", "-t", "null", "-t", "null", "--labels", "a,b,c"], "--labels names 3 runs"),
    ] {
        let (code, _, stderr) = ended(bench(arguments));
        assert_eq!(code, 2, "{arguments:?} said: {stderr}");
        let sentence = stderr.lines().last().unwrap_or_default();
        assert!(sentence.starts_with("kinesis-bench: "), "{arguments:?} said: {stderr}");
        assert!(sentence.contains(advice), "{arguments:?} said: {stderr}");
    }
    let arguments = ["run", "put", "--target", "aws", "--i-own-this-endpoint"];
    let mut without_credentials = bench(&arguments);
    without_credentials.env("AWS_REGION", "eu-west-1");
    let (code, _, stderr) = ended(without_credentials);
    assert_eq!(code, 2);
    assert!(stderr.contains("no AWS credentials were found"), "{stderr}");
}

#[test]
fn what_listens_and_is_no_kinesis_is_told_in_a_sentence() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = socket.unwrap();
            // A probe sends nothing and hangs up.
            if socket.read(&mut [0; 4_096]).unwrap_or(0) > 0 {
                let answer = "HTTP/1.1 501 No\r\ncontent-length: 6\r\n\r\n<html>";
                std::io::Write::write_all(&mut socket, answer.as_bytes()).unwrap();
            }
        }
    });
    let (code, _, stderr) = ended(bench(&["run", "put", "-t", &url]));
    let sentence = stderr.lines().last().unwrap_or_default();
    assert!(code == 2 && sentence.contains("check the URL"), "{stderr}");
    assert!(sentence.len() < 300 && !sentence.contains("ResponseError"), "{stderr}");
}

#[tokio::test]
async fn a_stream_that_is_there_is_used_when_asked_for_and_never_deleted() {
    let emulator = emulator_with_orders(2).await;
    let run = |more: &[&str]| {
        let fixed =
            ["run", "put", "--records", "20", "--target", emulator.url(), "--stream", "orders"];
        ended(bench(&[&fixed[..], more].concat()))
    };
    for (more, code, advice) in [
        (&[][..], 2, "exists already"),
        (&["--existing", "--shards", "3"], 2, "pass --shards 2"),
        (&["--existing"], 0, ""),
        // Once more: what is there already is none of ours.
        (&["--existing", "--driver", "native"], 0, ""),
    ] {
        let (ended_with, stdout, stderr) = run(more);
        assert_eq!(ended_with, code, "{more:?} said: {stderr}{stdout}");
        assert!(stderr.contains(advice), "{more:?} said: {stderr}");
        assert_eq!(streams(&emulator).await, ["orders"], "{more:?}");
    }
    let mut elsewhere = bench(&["run", "put", "--target", emulator.url(), "--stream", "orders"]);
    elsewhere.arg("--existing").env("AWS_REGION", "eu-west-1");
    let (code, _, stderr) = ended(elsewhere);
    assert!(code == 2 && stderr.contains("check AWS_REGION"), "{stderr}");
}

#[tokio::test]
async fn a_target_with_tls_is_measured_by_both_drivers_up_to_records_of_10_mib() {
    let emulator = Emulator::start().await;
    let url = emulator.tls_url().unwrap();
    let pem = std::env::temp_dir().join(format!("kinesis-bench-{}.pem", std::process::id()));
    std::fs::write(&pem, emulator.certificate_authority_pem().unwrap()).unwrap();
    for driver in ["sdk", "native"] {
        // As many bytes as a record can have beside its key.
        let large = ["large-records", "--records", "2", "--payload-bytes", "10485752"];
        for load in [&["put", "--records", "40"][..], &large] {
            let target = ["--target", &url, "--driver", driver, "--ca-file", pem.to_str().unwrap()];
            let (code, stdout, stderr) = ended(bench(&[&["run"][..], load, &target].concat()));
            assert_eq!(code, 0, "{driver} {load:?} said: {stdout}{stderr}");
            assert!(stdout.contains(" records checked: none lost"), "{stdout}");
            assert!(streams(&emulator).await.is_empty());
        }
        let untrusted = ["run", "put", "--target", &url, "--driver", driver];
        let (code, _, stderr) = ended(bench(&untrusted));
        assert!(code == 2 && stderr.contains("--ca-file"), "{driver} said: {stderr}");
    }
    std::fs::remove_file(&pem).unwrap();
}

#[tokio::test]
async fn the_credential_chain_leads_to_where_aws_is_said_to_be() {
    let emulator = Emulator::start().await;
    let mut aws = bench(&["run", "put", "--records", "20", "--target", "aws"]);
    aws.arg("--i-own-this-endpoint");
    aws.env("AWS_REGION", "eu-west-1").env("AWS_ENDPOINT_URL_KINESIS", emulator.url());
    aws.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
    let (code, stdout, stderr) = ended(aws);
    assert_eq!(code, 0, "{stdout}{stderr}");
    assert!(stderr.contains("20 records in 20 calls and 20 payload units"), "{stderr}");
    assert!(streams(&emulator).await.is_empty());
}

#[tokio::test]
async fn ctrl_c_cleans_up_and_keeps_what_was_measured() {
    let emulator = Emulator::start().await;
    let saved = std::env::temp_dir().join(format!("kinesis-bench-{}.json", std::process::id()));
    let mut child = bench(&["produce", "--json", "--rate", "50", "--duration", "1h"])
        .args(["--target", emulator.url(), "--save", saved.to_str().unwrap()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for line in lines.by_ref().take(3) {
        let sample: Value = serde_json::from_str(&line.unwrap()).unwrap();
        assert!(sample["shard_id"].as_str().unwrap().starts_with("shardId-"), "{sample}");
        assert!(sample["sequence_number"].as_str().unwrap().len() > 40, "{sample}");
        assert!(sample["latency_us"].as_u64().is_some(), "{sample}");
    }
    assert_eq!(streams(&emulator).await, ["test-stream"]);
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let lines_after = lines.count();
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{stderr}");
    assert!(streams(&emulator).await.is_empty(), "the stream is left behind");

    let run = std::fs::read_to_string(&saved).unwrap();
    std::fs::remove_file(&saved).unwrap();
    let run: Value = serde_json::from_str(&run).unwrap();
    let run = run.get("runs").map_or(&run, |runs| &runs[0]);
    let produced = &run["repetitions"][0]["phases"][0]["records"];
    assert_eq!(produced.as_u64(), Some(3 + lines_after as u64), "{stderr}");
    assert_eq!(run["repetitions"][0]["verdict"]["lost"], 0);
    assert!(run["notes"].to_string().contains("partial"), "{}", run["notes"]);
}

#[test]
fn a_full_disk_costs_the_file_and_not_the_figures() {
    let (code, _, stderr) =
        ended(bench(&["run", "put", "--records", "20", "-t", "in-process", "--json", "/dev/full"]));
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains("20 records checked"), "{stderr}");
    assert!(stderr.contains("No space left"), "{stderr}");
    let page = ["run", "put", "--records", "20", "--format", "html", "--output", "/dev/full"];
    let (code, _, stderr) = ended(bench(&page));
    assert!(code == 2 && stderr.contains("20 records checked"), "{stderr}");
    assert!(stderr.contains("make room, or name another place"), "{stderr}");
    let plain = ["--in-process", "--records", "20", "--limits", "off", "--json", "/dev/full"];
    let (code, stdout, stderr) = ended(bench(&plain));
    assert_eq!(code, 2, "{stderr}");
    assert!(stdout.contains("Read 20 records"), "{stdout}");
    assert!(stderr.contains("No space left"), "{stderr}");
    let mut lines = bench(&["produce", "-t", "in-process", "--records", "5"]);
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let Output { status, stderr, .. } =
        lines.stdout(full).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    let stderr = String::from_utf8(stderr).unwrap();
    assert!(status.code() == Some(2) && stderr.contains("5 records checked"), "{stderr}");
}

#[test]
fn who_has_the_report_in_a_file_still_hears_what_came_of_it_and_where_it_is() {
    let file = std::env::temp_dir().join(format!("kinesis-bench-{}.html", std::process::id()));
    let name = file.to_str().unwrap();
    let load = ["--records", "20", "--format", "html", "-o", name];
    let (code, stdout, stderr) =
        ended(bench(&[&["run", "put", "-t", "in-process"][..], &load].concat()));
    assert!(code == 0 && stdout.is_empty(), "{stdout}{stderr}");
    let verdict =
        "✅ 20 records checked: none lost, duplicated, misrouted, out of order or altered";
    assert!(stderr.ends_with(&format!("{verdict}\nwritten to {name}\n")), "{stderr}");
    assert!(std::fs::read_to_string(&file).unwrap().ends_with("</html>\n"));

    let targets = ["compare", "--scenario", "put", "-t", "in-process", "-t", "null"];
    let few = ["--repetitions", "1"];
    let (code, _, stderr) = ended(bench(&[&targets[..], &few, &load].concat()));
    assert!(code == 0 && stderr.contains(&format!("in-process: {verdict}\n")), "{stderr}");
    assert!(stderr.contains("null: 20 records put, and none of them verified\n"), "{stderr}");
    assert!(stderr.contains("Nothing can be said"), "{stderr}");
    assert!(stderr.ends_with(&format!("written to {name}\n")), "{stderr}");
    std::fs::remove_file(&file).unwrap();
}

#[test]
fn what_is_foreseen_of_a_run_is_not_refused() {
    let file = std::env::temp_dir().join(format!("kinesis-bench-old-{}.json", std::process::id()));
    let name = file.to_str().unwrap();
    let load = ["run", "end-to-end", "-t", "in-process", "--records", "20", "--rate", "1000"];
    let run = |more: &[&str]| {
        let (code, stdout, stderr) = ended(bench(&[&load[..], more].concat()));
        assert_eq!(code, 0, "{more:?} said: {stdout}{stderr}");
        (stdout, stderr)
    };
    let (jtl, _) = run(&["--samples", "--format", "jtl", "--json", name]);
    assert!(jtl.lines().count() > 20, "{jtl}");
    let (hgrm, _) =
        run(&["--format", "hgrm", "--fail-if", "end_to_end.p99>60s,lost>0,consume.p50>60s"]);
    assert!(hgrm.contains("1/(1-Percentile)"), "{hgrm}");
    // Saved over its baseline, a run is still held against what was there before.
    let (_, stderr) = run(&["--noise", "1000%", "--baseline", name, "--json", name]);
    assert!(stderr.contains("in-process against in-process (saved)"), "{stderr}");
    std::fs::remove_file(&file).unwrap();
}

#[test]
fn a_run_that_was_not_made_leaves_no_file() {
    let file = std::env::temp_dir().join(format!("kinesis-bench-none-{}.json", std::process::id()));
    let name = file.to_str().unwrap();
    let (code, _, _) = ended(bench(&["run", "put", "-t", "http://127.0.0.1:1", "--json", name]));
    assert!(code == 2 && !file.exists());
    std::fs::write(&file, "kept").unwrap();
    let (code, _, _) = ended(bench(&["run", "put", "-t", "http://127.0.0.1:1", "--json", name]));
    assert!(code == 2 && std::fs::read_to_string(&file).unwrap() == "kept");
    std::fs::remove_file(&file).unwrap();
}

#[test]
fn every_scenario_holds_with_both_drivers_and_both_loops() {
    let (code, scenarios, _) = ended(bench(&["scenarios"]));
    assert_eq!(code, 0);
    let play = |scenario: &str, more: &[&str]| {
        // More than a stream takes unless it is told to, and no more than that.
        let few: &[&str] = match scenario {
            "large-records" => &["--records", "3", "--payload-bytes", "2MiB"],
            "put-batch" | "drain" | "mixed" => &["--records", "60", "--batch", "4"],
            _ => &["--records", "60"],
        };
        let fixed = ["run", scenario];
        let (code, stdout, stderr) = ended(bench(&[&fixed[..], few, more].concat()));
        assert_eq!(code, 0, "{scenario} {more:?} said: {stdout}{stderr}");
        assert!(stdout.contains(" records checked: none lost"), "{scenario}: {stdout}");
        let is_told = stdout.contains("the client alone (null target): p50");
        assert_eq!(is_told, more.contains(&"--self-overhead"), "{scenario}: {stdout}");
    };
    for line in scenarios.lines() {
        let scenario = line.split_whitespace().next().unwrap();
        // Most of their time is waiting: both at once.
        std::thread::scope(|scope| {
            let in_process = ["--driver", "sdk", "--rate", "max", "-t", "in-process"];
            // What drain puts is not measured, so it comes at no rate.
            let rate = if scenario == "drain" { "max" } else { "2000" };
            let loopback =
                ["--driver", "native", "--rate", rate, "-t", "loopback", "--self-overhead"];
            scope.spawn(move || play(scenario, &in_process));
            scope.spawn(move || play(scenario, &loopback));
        });
    }
}

#[test]
fn too_few_repetitions_for_a_claim_are_told_before_anything_is_measured() {
    let targets = ["compare", "-t", "null", "-t", "http://127.0.0.1:1"];
    let (code, _, stderr) = ended(bench(&[&targets[..], &["--repetitions", "4"]].concat()));
    assert!(code == 2 && stderr.starts_with("caution: a claim needs 5 repetitions"), "{stderr}");
    let (code, _, stderr) = ended(bench(&targets));
    assert!(code == 2 && !stderr.contains("caution"), "{stderr}");
}

#[test]
fn targets_take_turns_and_are_compared() {
    let (code, stdout, stderr) = ended(bench(&[
        "compare",
        "-t",
        "in-process",
        "-t",
        "null",
        "-t",
        "null-tcp",
        "--driver",
        "native",
        "--scenario",
        "put",
        "--records",
        "50",
        "--repetitions",
        "2",
        "--warm-up",
        "1ms",
        "--json",
        "-",
    ]));
    assert_eq!(code, 0, "{stdout}{stderr}");
    let json = stdout.find("kinesis-bench").expect("the runs are on stdout");
    assert!(json < stdout.len());
    for target in ["in-process", "null", "null-tcp"] {
        assert!(stdout.contains(target), "{stdout}");
    }
    assert!(stdout.contains("\"is_warm_up\": true") || stdout.contains("\"is_warm_up\":true"));
}

#[test]
fn what_the_default_measurement_saves_is_shown_compared_and_priced() {
    let saved =
        std::env::temp_dir().join(format!("kinesis-bench-plain-{}.json", std::process::id()));
    let file = saved.to_str().unwrap();
    let (code, stdout, stderr) = ended(bench(&["--in-process", "--records", "40", "--json", file]));
    assert_eq!(code, 0, "{stdout}{stderr}");
    let json: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    // The report is what it was, and both measurements are there as runs, too.
    assert!(json["put_latency_us"]["p99"].as_u64().is_some(), "{json}");
    assert_eq!([&json["limits"], &json["beside"][0]["limits"]], ["off", "aws"]);
    let puts = &json["runs"][1]["repetitions"][0]["phases"][0]["latency"]["uncorrected"];
    assert_eq!(puts["summary"]["p99_us"], json["beside"][0]["put_latency_us"]["p99"]);
    for (arguments, part) in [
        (&["report", file][..], "in-process, limits aws"),
        (&["report", file, "--format", "html"], "</html>"),
        (&["compare", file], "in-process, limits aws against in-process, limits off"),
        (&["cost", file], "in-process, limits aws:\n40 records put, 40 payload units, 4 shards"),
    ] {
        let (code, stdout, stderr) = ended(bench(arguments));
        assert_eq!(code, 0, "{arguments:?} said: {stdout}{stderr}");
        assert!(stdout.contains(part), "{arguments:?} said: {stdout}");
    }
    std::fs::remove_file(&saved).unwrap();
}
