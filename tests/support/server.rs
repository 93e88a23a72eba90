//! An example that is a server, as a program.
use crate::support::binary;
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};

pub(crate) struct Server {
    pub(crate) child: Child,
    out: BufReader<ChildStdout>,
    pub(crate) addr: SocketAddr,
}

impl Server {
    /// Starts the example, and reads where it listens: its first line is `EXAMPLE at ADDRESS`.
    pub(crate) fn start<A: AsRef<OsStr>>(example: &str, arguments: impl IntoIterator<Item = A>) -> Server {
        Server::spawn(example, Command::new(binary(example)).args(arguments))
    }

    /// Starts `command`, which is the server of this name.
    pub(crate) fn spawn(name: &str, command: &mut Command) -> Server {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("it can be started");
        let mut out = BufReader::new(child.stdout.take().expect("it is piped"));
        let first = line(&mut out);
        let addr = first.strip_prefix(&format!("{name} at ")).expect("its address");
        Server { child, addr: addr.parse().expect("an address"), out }
    }

    pub(crate) fn connect(&self) -> TcpStream {
        TcpStream::connect(self.addr).expect("it listens")
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it is there");
    }

    /// The next line that it prints.
    pub(crate) fn line(&mut self) -> String {
        line(&mut self.out)
    }

    /// Its exit code, and what else it prints.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).expect("it speaks");
        (self.child.wait().expect("it ends").code(), rest)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn line(out: &mut BufReader<ChildStdout>) -> String {
    let mut line = String::new();
    out.read_line(&mut line).expect("it speaks");
    line.trim_end().into()
}
