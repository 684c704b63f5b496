use super::*;

fn first(text: &str) -> Node {
    let mut out = None;
    let trouble = objects(Chunk::whole(text.as_bytes()), &mut |_, node| {
        out.get_or_insert_with(|| node.clone());
    });
    assert_eq!(trouble.lines, 0, "{text}");
    out.unwrap()
}

#[track_caller]
fn case(text: &str, path: &str, expected: &str) {
    assert_eq!(first(text).text(path), expected, "{text}");
}

#[test]
fn scalars_as_kubectl_writes_them() {
    case("a: plain words", "a", "plain words");
    case("a: 'it''s: x'", "a", "it's: x");
    case("a: \"b\\n\\u00e9\\x41\"", "a", "b\néA");
    case("a: folded\n  over lines\nb: x", "a", "folded over lines");
    case("a: 'folded\n  over lines'\nb: x", "a", "folded over lines");
    case("a: \"one \\\n  two\"\nb: x", "a", "one two");
    case(
        "a: |\n  one\n    two\n\n  three\nb: x",
        "a",
        "one\n  two\n\nthree",
    );
    case("a: >-\n  one\n  two\nb: x", "b", "x");
    case("a: 1 # why\nb: x", "a", "1");
    case("a: null", "a", "");
    case("a: \"\"\nb: y", "b", "y");
    case("a: &anchor x\nb: *anchor", "a", "x");
    case("a: {b: [1, {c: d}], \"e\": 'f'}\ng: h", "a.e", "f");
    case("a:\r\n  b: c\r\n", "a.b", "c");
    case("f:metadata:\n  x: y", "f:metadata.x", "y");
    case("\"k\": v", "k", "v");
    case(
        "url: https://127.0.0.1:9443/validate",
        "url",
        "https://127.0.0.1:9443/validate",
    );
}

#[test]
fn sequences_at_any_indent() {
    for text in [
        "a:\n- b: 1\n  c: 2\n- b: 3\nd: e",
        "a:\n  - b: 1\n    c: 2\n  - b: 3\nd: e",
        "a:\n  -\n    b: 1\n    c: 2\n  - b: 3\nd: e",
    ] {
        let node = first(text);
        let items = node.list("a");
        assert_eq!(items.len(), 2, "{text}");
        assert_eq!(items[0].text("c"), "2", "{text}");
        assert_eq!(node.text("d"), "e", "{text}");
    }
    let nested = first("a:\n- - x\n  - y\n- z");
    assert_eq!(
        nested.list("a")[0].value,
        Value::List(vec![
            Node {
                at: 5,
                value: Value::Scalar("x".into())
            },
            Node {
                at: 11,
                value: Value::Scalar("y".into())
            },
        ])
    );
    assert_eq!(nested.list("a")[1].scalar(), "z");
}

#[test]
fn lists_documents_and_ballast() {
    let text = "apiVersion: v1\nitems:\n- metadata:\n    managedFields:\n    - fieldsV1:\n        f:status:\n          .: {}\n    name: a\n- metadata:\n    name: b\nkind: PodList\n---\nkind: Pod\nmetadata: {name: c}\n";
    let mut out = Vec::new();
    let trouble = objects(Chunk::whole(text.as_bytes()), &mut |around, node| {
        out.push(format!("{}:{}", around.kind, node.text("metadata.name")));
    });
    assert_eq!(out, ["PodList:a", "PodList:b", ":c"]);
    assert_eq!(trouble, Trouble::default());
}

#[test]
fn offsets_are_those_of_the_keys() {
    let text = "items:\n- status:\n    conditions:\n    - message: long\n        text\n      reason: Gone\n";
    let mut at = None;
    let trouble = objects(Chunk::whole(text.as_bytes()), &mut |_, node| {
        at = node.list("status.conditions")[0].spot("reason");
    });
    assert_eq!(at, text.find("reason"));
    assert!(trouble.cut);
}

#[test]
fn depth_is_limited() {
    for text in [
        "- ".repeat(100_000),
        "[".repeat(100_000),
        format!("a: {}", "{a: ".repeat(100_000)),
        (0..2000)
            .flat_map(|n| [" ".repeat(n), String::from("a:\n")])
            .collect(),
        "? ".repeat(100_000),
    ] {
        let _ = objects(Chunk::whole(text.as_bytes()), &mut |_, _| {});
    }
}

#[test]
fn a_misfit_costs_its_line() {
    let text = "metadata:\n  name: a\n  = not yaml\nstatus:\n  phase: X\n";
    let mut phase = String::new();
    let trouble = objects(Chunk::whole(text.as_bytes()), &mut |_, node| {
        phase = node.text("status.phase").to_owned();
    });
    assert_eq!(phase, "X");
    assert_eq!(trouble.lines, 1);
}
