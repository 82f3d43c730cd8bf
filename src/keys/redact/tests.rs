//! What is blanked and what is not.

use proptest::prelude::*;

use super::*;

#[test]
fn blanks_secrets_and_nothing_else() {
    for (text, wanted) in [
        ("name = \"x\" # y", "name = \"x\"    "),
        (
            "[target.auth]\nusername = \"u\"\npassword = \"hunter2\"",
            "[target.auth]\nusername = \"u\"\npassword = \"*******\"",
        ),
        (
            "[target]\nauth = { username = \"u\", pasword = \"hunter2\" }",
            "[target]\nauth = { username = \"u\", pasword = \"*******\" }",
        ),
        (
            "[target]\nheaders = { \"X-A\" = \"hunter2\", B = 'a' }\nurl = \"x\"",
            "[target]\nheaders = { \"X-A\" = \"*******\", B = '*' }\nurl = \"x\"",
        ),
        (
            "[target.headers]\nX-A = \"hunter2\"",
            "[target.headers]\nX-A = \"*******\"",
        ),
        (
            "target.auth.password = 'hunter2' # old: hunter1",
            "target.auth.password = '*******'               ",
        ),
        (
            "password = \"${REGISTRY_PASSWORD}\"",
            "password = \"${REGISTRY_PASSWORD}\"",
        ),
        (
            "password = \"${P:-hunter2}\"",
            "password = \"*************\"",
        ),
        ("password = \"hunter2", "password = \"*******"),
        ("password = hunter2 and more", "password = ****************"),
        ("password: \"hunter2\"", "password: *********"),
        (
            "password = \"\"\"\nhunter2\n\"\"\"\nvus = \"3\"",
            "password = \"\"\"\n*******\n\"\"\"\nvus = \"3\"",
        ),
        (
            "url = \"http://user:hunter2@host/a\"",
            "url = \"http://************@host/a\"",
        ),
        ("url = \"user:hunter2@host\"", "url = \"************@host\""),
        (
            "url = \"http://host/a?token=hunter2\"",
            "url = \"http://host/a?*************\"",
        ),
        (
            "[target.embedded]\nauth = \"basic\"",
            "[target.embedded]\nauth = \"basic\"",
        ),
        (
            "[journey.token]\nimages = \"web\"",
            "[journey.token]\nimages = \"web\"",
        ),
        (
            "references = [\"lab/a@sha256:00\"]",
            "references = [\"lab/a@sha256:00\"]",
        ),
    ] {
        assert_eq!(file(text), wanted);
    }
}

#[test]
fn blanks_secrets_of_arguments() {
    for (text, wanted) in [
        ("--set load.vus=5", "--set load.vus=5"),
        (
            "--set target.auth.password=hun=ter{2",
            "--set target.auth.password=*********",
        ),
        (
            "--set target={auth={password=\"hunter2\"}}",
            "--set target={auth={password=\"*******\"}}",
        ),
        (
            "--set target.url=http://u:hunter2@h",
            "--set target.url=http://*********@h",
        ),
        (
            "--target http://u:hun/ter2@h",
            "--target http://**********@h",
        ),
        ("--target u:hunter2@h", "--target *********@h"),
    ] {
        assert_eq!(argument(text), wanted);
    }
}

proptest! {
    #[test]
    fn lengths_and_lines_stay(text in "[\\[\\]{}=.,#\"'a-cé\n\r \\\\$:@/?]{0,60}|.*") {
        for shown in [file(&text), argument(&text), value(&text)] {
            prop_assert_eq!(shown.len(), text.len());
            prop_assert_eq!(shown.matches('\n').count(), text.matches('\n').count());
        }
    }
}

/// A file that parsed is broken at one place; wherever that is, the secrets stay hidden.
///
/// A line break in front of a value is left out: it leaves a line that nothing marks as secret.
#[test]
fn one_wrong_character_shows_no_secret() {
    const GOOD: &str = r#"name = "x"
[target]
url = "http://me:s3kr1t@host:1/a"
headers = { "X-A" = "s3kr1t", X-B = 's3kr1t' } # s3kr1t
[target.auth]
username = "u"
password = "s3kr1t" # s3kr1t
"#;
    let secrets = GOOD.matches("s3kr1t").count();
    for at in 0..GOOD.len() {
        let without = [&GOOD[..at], &GOOD[at + 1..]].concat();
        let inserted = "[]{}=.,#\"':\\ x".chars().map(|c| {
            let mut text = GOOD.to_owned();
            text.insert(at, c);
            text
        });
        for text in std::iter::once(without).chain(inserted) {
            // Breaking the secret itself apart is not what is tested here.
            if text.matches("s3kr1t").count() == secrets {
                let shown = file(&text);
                assert!(!shown.contains("s3kr1t"), "{shown}");
            }
        }
    }
}
