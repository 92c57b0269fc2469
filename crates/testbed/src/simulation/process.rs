//! The processes of KTRDR's local stack, which export metrics.

use crate::ktrdr::{API, Deployment};

/// A process of KTRDR's local stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Process {
    /// The API.
    Backend,
    /// The first backtest worker.
    BacktestWorker1,
    /// The second backtest worker.
    BacktestWorker2,
    /// The first training worker.
    TrainingWorker1,
    /// The second training worker.
    TrainingWorker2,
}

/// The type of a worker, as in the label `worker_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WorkerType {
    /// Backtests.
    Backtesting,
    /// Trainings.
    Training,
}

impl WorkerType {
    /// Both types.
    pub const ALL: [Self; 2] = [Self::Backtesting, Self::Training];

    /// The value of the label.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Backtesting => "backtesting",
            Self::Training => "training",
        }
    }
}

impl Process {
    /// All processes, the API first.
    pub const ALL: [Self; 5] =
        [Self::Backend, Self::BacktestWorker1, Self::BacktestWorker2, Self::TrainingWorker1, Self::TrainingWorker2];

    /// Its host name in the network of the stack.
    #[must_use]
    pub fn host(self) -> &'static str {
        match self {
            Self::Backend => "backend",
            Self::BacktestWorker1 => "backtest-worker-1",
            Self::BacktestWorker2 => "backtest-worker-2",
            Self::TrainingWorker1 => "training-worker-1",
            Self::TrainingWorker2 => "training-worker-2",
        }
    }

    /// Its port.
    #[must_use]
    pub fn port(self) -> u16 {
        match self {
            Self::Backend => 8000,
            Self::BacktestWorker1 => 5003,
            Self::BacktestWorker2 => 5004,
            Self::TrainingWorker1 => 5005,
            Self::TrainingWorker2 => 5006,
        }
    }

    /// Its label `instance` in Prometheus.
    #[must_use]
    pub fn instance(self) -> String {
        format!("{}:{}", self.host(), self.port())
    }

    /// Its label `job` in KTRDR's Prometheus.
    #[must_use]
    pub fn job(self) -> &'static str {
        if self == Self::Backend { "ktrdr-backend" } else { "ktrdr-workers" }
    }

    /// Its type, if it is a worker; `None` for the API.
    #[must_use]
    pub fn worker_type(self) -> Option<WorkerType> {
        match self {
            Self::Backend => None,
            Self::BacktestWorker1 | Self::BacktestWorker2 => Some(WorkerType::Backtesting),
            Self::TrainingWorker1 | Self::TrainingWorker2 => Some(WorkerType::Training),
        }
    }

    /// Its service name in traces.
    pub(super) fn service(self, deployment: &Deployment) -> String {
        let [training_1, training_2, _] = &deployment.training;
        let [backtest_1, backtest_2, _] = &deployment.backtest;
        match self {
            Self::Backend => API.to_owned(),
            Self::BacktestWorker1 => backtest_1.service.clone(),
            Self::BacktestWorker2 => backtest_2.service.clone(),
            Self::TrainingWorker1 => training_1.service.clone(),
            Self::TrainingWorker2 => training_2.service.clone(),
        }
    }
}
