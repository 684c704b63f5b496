//! Folders, several inputs, visitors.

use super::*;

#[test]
fn a_folder_with_links_and_metadata() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir_all(at("pods/a")).unwrap();
    fs::create_dir_all(at("__MACOSX")).unwrap();
    fs::write(at("pods/a/0.log"), LINE).unwrap();
    fs::write(at("pods/x.tar.gz"), gz(&tar(&[("y", LINE)]))).unwrap();
    fs::write(at("__MACOSX/0.log"), LINE).unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("pods/a/0.log", at("inside")).unwrap();
        std::os::unix::fs::symlink("pods/gone", at("dangling")).unwrap();
        std::os::unix::fs::symlink("/", at("outside")).unwrap();
        std::os::unix::fs::symlink(".", at("loop")).unwrap();
        std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
    }
    let notes = run_folder(folder.path());
    assert_eq!(notes.paths(), ["pods/a/0.log", "pods/x.tar.gz!y"]);
    assert!(notes.found("pods/a/0.log").mtime.is_some());
    #[cfg(unix)]
    {
        let rest: Vec<(String, String)> = notes
            .rest()
            .into_iter()
            .map(|(path, _, note)| (path, note))
            .collect();
        let note = |path: &str| rest.iter().find(|r| r.0 == path).unwrap().1.clone();
        assert_eq!(rest.len(), 6);
        assert!(note("inside").contains("read where it lies"));
        assert!(note("dangling").contains("not there"));
        assert!(note("outside").contains("outside of the bundle"));
        assert!(note("loop").contains("read where it lies"));
        assert!(note("socket").contains("socket"));
        assert!(note("__MACOSX/0.log").contains("macOS"));
    }
}

#[test]
fn several_inputs_keep_apart() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    for node in ["n1", "n2"] {
        fs::create_dir_all(at(node)).unwrap();
        fs::write(at(node).join("kubelet.log"), LINE).unwrap();
    }
    fs::write(at("b.tar"), tar(&[("x", LINE)])).unwrap();
    let inputs = ["n1", "n2", "b.tar"].map(|name| Input::Path(at(name)));
    let notes = run_all(&inputs, &Limits::default());
    assert_eq!(
        notes.paths(),
        ["b.tar!x", "n1/kubelet.log", "n2/kubelet.log"]
    );

    // Of the same name: told apart by where they are.
    let inputs = ["n1/kubelet.log", "n2/kubelet.log"].map(|name| Input::Path(at(name)));
    let notes = run_all(&inputs, &Limits::default());
    let paths = notes.paths();
    assert!(
        paths[0].ends_with("n1/kubelet.log") && paths[1].ends_with("n2/kubelet.log"),
        "{paths:?}"
    );

    let survey = survey(&inputs).unwrap();
    assert_eq!((survey.files, survey.bytes), (2, 30));
}

#[test]
fn what_cannot_be_read_at_all() {
    let folder = TempDir::new().unwrap();
    let problem = |path: &str| {
        survey(&[Input::Path(folder.path().join(path))])
            .unwrap_err()
            .to_string()
    };
    assert!(problem("gone").contains("no such file"));
    assert!(problem("").contains("no file in this directory"));
    assert!(matches!(survey(&[]), Err(InputError::Nothing)));
    let device = survey(&[Input::Path("/dev/null".into())]);
    assert!(cfg!(not(unix)) || matches!(device, Err(InputError::NotAFile { .. })));
}

#[test]
#[cfg(unix)]
fn a_named_pipe_is_a_stream() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    if !made.is_ok_and(|s| s.success()) {
        return;
    }
    let writer = {
        let path = path.clone();
        std::thread::spawn(move || {
            fs::write(path, zip(&[("a", LINE)], SimpleFileOptions::default()))
        })
    };
    let notes = run_all(&[Input::Path(path)], &Limits::default());
    writer.join().unwrap().unwrap();
    notes.clean();
    assert_eq!(notes.paths(), ["pipe!a"]);
}

#[test]
fn a_visitor_that_fails_on_one_file_gets_the_others() {
    struct Picky(Notes);
    impl Visitor for Picky {
        fn file(&self, found: &Found, reader: &mut dyn Read) {
            assert!(!found.path.ends_with("bad"), "the expected failure");
            self.0.file(found, reader);
        }
        fn left_out(&self, path: &str, status: Status, note: String) {
            self.0.left_out(path, status, note);
        }
        fn progress(&self, _: u64, _: u64) {}
    }
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("x.tar");
    fs::write(&path, tar(&[("bad", LINE), ("good", LINE)])).unwrap();
    let picky = Picky(Notes::default());
    discover(&[Input::Path(path)], &Limits::default(), &picky).unwrap();
    assert_eq!(picky.0.paths(), ["x.tar!good"]);
    assert_eq!(picky.0.rest()[0].1, Status::Failed);
}

#[test]
fn a_visitor_that_reads_nothing_does_not_disturb() {
    #[derive(Default)]
    struct Lazy(Mutex<Vec<String>>);
    impl Visitor for Lazy {
        fn file(&self, found: &Found, _: &mut dyn Read) {
            self.0.lock().unwrap().push(found.path.clone());
        }
        fn left_out(&self, path: &str, _: Status, note: String) {
            panic!("{path}: {note}");
        }
        fn progress(&self, _: u64, _: u64) {}
    }
    let big = log(120_000);
    let archive = gz(&tar(&[("a", &big), ("b.gz", &gz(&big)), ("c", LINE)]));
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("x.tgz");
    fs::write(&path, archive).unwrap();
    let lazy = Lazy::default();
    discover(&[Input::Path(path)], &Limits::default(), &lazy).unwrap();
    let mut paths = lazy.0.into_inner().unwrap();
    paths.sort();
    assert_eq!(paths, ["x.tgz!a", "x.tgz!b.gz", "x.tgz!c"]);
}

#[test]
fn one_thread_finds_the_same_as_many() {
    let text = log(3000);
    let archive = gz(&tar(&[
        ("a", &text),
        ("b.gz", &gz(&text)),
        ("c.zip", &zip(&[("d", &text)], SimpleFileOptions::default())),
    ]));
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let notes = pool.install(|| run("x", &archive));
        notes.clean();
        notes.files.into_inner().unwrap()
    };
    assert!(on(1) == on(4));
}
