//! What every backend does: one suite for all, then what each does in trouble.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "clippy knows test code only in functions marked as tests"
)]

mod backends;
mod faults;
mod memory;
mod model;
mod operations;
mod postgres;
mod postgres_faults;
mod suite;
mod traces;

/// Runs each check of the suite for each backend.
macro_rules! for_all_backends {
    ($($check:ident),* $(,)?) => {
        mod in_memory {
            $(#[tokio::test] async fn $check() { crate::suite::$check(&*crate::backends::memory()).await; })*
        }
        mod in_sqlite {
            $(#[tokio::test] async fn $check() {
                let (store, _folder) = crate::backends::sqlite().await;
                crate::suite::$check(&*store).await;
            })*
        }
        mod in_postgres {
            $(#[tokio::test] async fn $check() { crate::suite::$check(&*crate::backends::postgres().await).await; })*
        }
    };
}

for_all_backends!(
    one_writer_holds_the_lease,
    a_commit_without_the_lease_changes_nothing,
    operations_are_replaced_and_removed,
    an_older_engine_replaces_nothing,
    marks_are_set_with_what_caused_them,
    retention_deletes_old_operations_and_their_coverage,
    sources_do_not_see_each_other,
    commits_of_one_writer_do_not_lose_coverage,
    any_text_reads_back,
);

/// Every question has the answer that the records themselves give.
mod questions {
    #[test]
    fn in_memory() {
        crate::model::questions_have_the_answers_of_the_records(|| async { (crate::backends::memory(), ()) });
    }

    #[test]
    fn in_sqlite() {
        crate::model::questions_have_the_answers_of_the_records(crate::backends::sqlite);
    }

    #[test]
    fn in_postgres() {
        crate::model::questions_have_the_answers_of_the_records(|| async { (crate::backends::postgres().await, ()) });
    }
}
