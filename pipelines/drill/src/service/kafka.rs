//! An Apache Kafka broker.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::{Daemon, Proxy, free_port, run};

/// Which jars a broker needs.
const POM: &str = include_str!("../../../../.ci/kafka/pom.xml");
const LOGGING: &str = include_str!("../../../../.ci/kafka/log4j2.xml");
const ADVICE: &str = "install Debian's packages openjdk-17-jre-headless and maven";

/// A broker, and a proxy in front of it.
#[derive(Debug)]
pub(crate) struct Kafka {
    folder: PathBuf,
    jars: PathBuf,
    port: u16,
    proxy: Proxy,
    daemon: Option<Daemon>,
}

impl Kafka {
    /// Starts a broker that keeps everything in `folder`.
    pub(crate) fn start(folder: &Path) -> Result<Self> {
        let jars = jars()?;
        let (port, behind, controller) = (free_port()?, free_port()?, free_port()?);
        let proxy = Proxy::start(behind)?;
        fs::create_dir_all(folder)?;
        let data = folder.join("data");
        let properties = format!(
            "process.roles=broker,controller\nnode.id=1\n\
             controller.quorum.voters=1@127.0.0.1:{controller}\ncontroller.listener.names=CONTROLLER\n\
             listeners=PLAINTEXT://127.0.0.1:{port},PROXIED://127.0.0.1:{behind},CONTROLLER://127.0.0.1:{controller}\n\
             advertised.listeners=PLAINTEXT://127.0.0.1:{port},PROXIED://127.0.0.1:{}\n\
             listener.security.protocol.map=PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT\n\
             inter.broker.listener.name=PLAINTEXT\nlog.dirs={}\nauto.create.topics.enable=false\n\
             message.max.bytes=4194304\ngroup.initial.rebalance.delay.ms=0\n\
             offsets.topic.replication.factor=1\noffsets.topic.num.partitions=3\n\
             transaction.state.log.replication.factor=1\ntransaction.state.log.min.isr=1\n\
             share.coordinator.state.topic.replication.factor=1\nshare.coordinator.state.topic.min.isr=1\n\
             log.cleaner.backoff.ms=200\nlog.segment.delete.delay.ms=100\n",
            proxy.port(),
            data.display(),
        );
        fs::write(folder.join("server.properties"), properties)?;
        fs::write(folder.join("log4j2.xml"), LOGGING)?;
        let mut kafka = Self {
            folder: folder.to_owned(),
            jars,
            port,
            proxy,
            daemon: None,
        };
        let id = run(
            "java",
            kafka.java(["kafka.tools.StorageTool", "random-uuid"]),
            ADVICE,
        )?;
        let id = id.lines().last().context("a random id of the cluster")?;
        let format = [
            "kafka.tools.StorageTool",
            "format",
            "-t",
            id.trim(),
            "-c",
            &kafka.properties(),
        ];
        run("java", kafka.java(format), ADVICE)?;
        kafka.restart()?;
        Ok(kafka)
    }

    /// Starts the broker that was killed, on the same ports with the same data.
    pub(crate) fn restart(&mut self) -> Result<()> {
        let mut command = Command::new("java");
        command.args(self.java(["kafka.Kafka", &self.properties()]));
        let log = self.folder.join("kafka.log");
        if log.exists() {
            fs::rename(&log, self.folder.join("kafka.before.log"))?;
        }
        let mut daemon = Daemon::start("kafka", &self.folder, &command)?;
        daemon.until("it is started", || {
            Ok(fs::read_to_string(&log)?.contains("Kafka Server started"))
        })?;
        self.daemon = Some(daemon);
        Ok(())
    }

    /// Kills the broker.
    pub(crate) fn kill(&mut self) -> Result<()> {
        let mut daemon = self.daemon.take().context("kill a broker that runs")?;
        daemon.kill()
    }

    /// Whether it runs.
    pub(crate) fn runs(&self) -> bool {
        self.daemon.is_some()
    }

    /// Where the drill itself reaches the broker.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// What lies between a job and the broker.
    pub(crate) fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    fn properties(&self) -> String {
        self.folder.join("server.properties").display().to_string()
    }

    fn java<const N: usize>(&self, arguments: [&str; N]) -> Vec<String> {
        let fixed = [
            "-Xmx1g".to_owned(),
            format!(
                "-Dlog4j2.configurationFile={}",
                self.folder.join("log4j2.xml").display()
            ),
            "-cp".to_owned(),
            format!("{}/*", self.jars.display()),
        ];
        let arguments = arguments.into_iter().map(str::to_owned);
        fixed.into_iter().chain(arguments).collect()
    }
}

/// The folder with the broker's jars: the tests' own, one that was fetched before, or fetched now.
fn jars() -> Result<PathBuf> {
    if let Some(jars) = env::var_os("MESOFLOW_TEST_KAFKA_LIBS") {
        return Ok(PathBuf::from(jars));
    }
    let home = || env::var_os("HOME").map(|home| Path::new(&home).join(".cache/mesoflow"));
    let cache = env::var_os("MESOFLOW_CACHE").map(PathBuf::from);
    let cache = cache.or_else(home).context("set MESOFLOW_CACHE or HOME")?;
    let jars = cache.join("drill-kafka");
    if jars.join(".complete").exists() {
        return Ok(jars);
    }
    tracing::info!("fetching the jars of Apache Kafka into {}", jars.display());
    fs::create_dir_all(&jars)?;
    let pom = jars.join("pom.xml");
    fs::write(&pom, POM)?;
    let arguments = [
        "-q".to_owned(),
        "-B".to_owned(),
        "-f".to_owned(),
        pom.display().to_string(),
        "dependency:copy-dependencies".to_owned(),
        format!("-DoutputDirectory={}", jars.display()),
        "-DincludeScope=runtime".to_owned(),
    ];
    run("mvn", arguments, ADVICE)?;
    let has_jars = fs::read_dir(&jars)?
        .filter_map(Result::ok)
        .any(|entry| entry.path().extension().is_some_and(|end| end == "jar"));
    ensure!(has_jars, "maven fetched no jars into {}", jars.display());
    fs::write(jars.join(".complete"), "")?;
    Ok(jars)
}
