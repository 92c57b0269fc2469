//! [`Store`] over a [`Database`].

use async_trait::async_trait;
use diagnosis::Comparable;
use trace::{Micros, Time, TraceId};

use super::{
    database::{Changes, Condition, Database, Outcome, Step},
    operation_row::decode,
    reads,
    statement::{Row, Statement},
    text::unescape,
    writes,
};
use crate::{
    Acquired, AggregateQuery, AggregateRow, Batch, Committed, CompactTraces, ComparableQuery, Coverage, Error, Field,
    Lease, LeaseToken, OperationFilter, OperationKey, Order, Page, Pruned, Result, Retention, SourceId, Store,
    StoredOperation,
};

/// How often a commit starts again because another one of the same writer has changed the coverage in between.
const ATTEMPTS: usize = 10;

/// A store in a database.
#[derive(Debug)]
pub(crate) struct SqlStore<D> {
    database: D,
}

impl<D: Database> SqlStore<D> {
    pub(crate) fn new(database: D) -> Self {
        Self { database }
    }

    async fn rows(&self, statement: Statement) -> Result<Vec<Row>> {
        Ok(self.database.read(vec![statement]).await?.into_iter().next().unwrap_or_default())
    }

    async fn stored(&self, statement: Statement) -> Result<Vec<StoredOperation>> {
        let rows = self.rows(statement).await?;
        self.decoded(rows)
    }

    fn decoded(&self, rows: Vec<Row>) -> Result<Vec<StoredOperation>> {
        let place = self.database.place();
        rows.into_iter().map(|row| decode(&row.columns(place).bytes()?, place)).collect()
    }

    /// The coverage with its revision; 0 if there is none.
    async fn revision(&self, source: &SourceId) -> Result<(i64, Coverage)> {
        let place = self.database.place();
        let Some(row) = self.rows(reads::coverage(source)).await?.into_iter().next() else {
            return Ok((0, Coverage::default()));
        };
        let mut columns = row.columns(place);
        let (revision, json) = (columns.int()?, columns.text()?);
        let coverage = serde_json::from_str(&unescape(&json));
        Ok((revision, coverage.map_err(|error| Error::corrupt(place, "the coverage", &error))?))
    }

    /// Runs steps under a lease together with a change of the coverage; what each step did, and the new coverage.
    async fn write(
        &self,
        lease: &Lease,
        now: Time,
        steps: &[Step],
        change: impl Fn(&mut Coverage) + Send + Sync,
    ) -> Result<(Vec<Changes>, Coverage)> {
        for _ in 0..ATTEMPTS {
            let (revision, before) = self.revision(&lease.source).await?;
            let mut coverage = before.clone();
            change(&mut coverage);
            let mut all = vec![writes::hold(lease, now)];
            if coverage != before {
                all.push(writes::coverage(&lease.source, &coverage, revision));
            }
            let before_steps = all.len();
            all.extend_from_slice(steps);
            match self.database.write(all).await? {
                Outcome::Done(mut done) => return Ok((done.split_off(before_steps), coverage)),
                Outcome::Refused(Condition::Lease) => return Err(self.lost(lease)),
                Outcome::Refused(Condition::Coverage) => {}
            }
        }
        Err(Error::Locked { place: self.database.place().to_owned() })
    }

    fn lost(&self, lease: &Lease) -> Error {
        Error::LostLease { place: self.database.place().to_owned(), of: lease.source.clone() }
    }
}

#[async_trait]
impl<D: Database> Store for SqlStore<D> {
    fn place(&self) -> &str {
        self.database.place()
    }

    async fn acquire(&self, source: &SourceId, holder: &str, ttl: Micros, now: Time) -> Result<Acquired> {
        let expires_at = now + ttl;
        let place = self.database.place();
        let outcome = self.database.write(writes::acquire(source, holder, expires_at, now).to_vec()).await?;
        let mut done = if let Outcome::Done(done) = outcome { done.into_iter() } else { Vec::new().into_iter() };
        let taken = done.next().is_some_and(|step| step.changed > 0);
        let row = done.next().and_then(|step| step.rows.into_iter().next());
        let row = row.ok_or_else(|| Error::corrupt(place, "a lease", &"it is missing after it was written"))?;
        let mut columns = row.columns(place);
        let (token, known, until) = (columns.int()?, columns.text()?, Time(columns.int()?));
        let holder_now = unescape(&known).into_owned();
        Ok(if taken {
            let (source, token) = (source.clone(), LeaseToken(token));
            Acquired::Held(Lease { source, holder: holder_now, token, expires_at: until })
        } else {
            Acquired::HeldByOther { holder: holder_now, expires_at: until }
        })
    }

    async fn renew(&self, lease: &Lease, ttl: Micros, now: Time) -> Result<Lease> {
        let expires_at = now + ttl;
        match self.database.write(vec![writes::extend(lease, expires_at, now)]).await? {
            Outcome::Done(_) => Ok(Lease { expires_at, ..lease.clone() }),
            Outcome::Refused(_) => Err(self.lost(lease)),
        }
    }

    async fn release(&self, lease: &Lease, now: Time) -> Result<()> {
        self.database.write(vec![writes::extend(lease, now, now)]).await.map(|_| ())
    }

    async fn commit(&self, batch: Batch) -> Result<Committed> {
        let source = &batch.lease.source;
        let mut steps: Vec<Step> = batch.remove.iter().map(|key| writes::remove(source, key)).collect();
        let removed = steps.len();
        steps.extend(batch.operations.iter().map(|change| writes::operation(source, change)));
        steps.extend(batch.marks.iter().map(|mark| writes::mark(source, mark)));
        let change = |coverage: &mut Coverage| batch.coverage.iter().for_each(|step| coverage.apply(step.clone()));
        let (done, coverage) = self.write(&batch.lease, batch.now, &steps, change).await?;
        let upserts = done.iter().skip(removed).take(batch.operations.len());
        let written = upserts.filter(|step| step.changed > 0).count() as u64;
        Ok(Committed { written, skipped_as_older: batch.operations.len() as u64 - written, coverage })
    }

    async fn prune(&self, lease: &Lease, retention: Retention, now: Time) -> Result<Pruned> {
        let steps = writes::prune(&lease.source, retention);
        let shrink = |coverage: &mut Coverage| coverage.remove_before(retention.operations_from);
        let (done, _) = self.write(lease, now, &steps, shrink).await?;
        let mut last = done.into_iter().rev().map(|step| step.changed);
        let (traces, operations) = (last.next().unwrap_or(0), last.next().unwrap_or(0));
        Ok(Pruned { operations, traces })
    }

    async fn sources(&self) -> Result<Vec<SourceId>> {
        let place = self.database.place();
        let name = |row: Row| Ok(SourceId::new(unescape(&row.columns(place).text()?)));
        self.rows(reads::sources()).await?.into_iter().map(name).collect()
    }

    async fn coverage(&self, source: &SourceId) -> Result<Coverage> {
        Ok(self.revision(source).await?.1)
    }

    async fn operations(
        &self,
        source: &SourceId,
        filter: &OperationFilter,
        order: Order,
        limit: usize,
    ) -> Result<Page> {
        let place = self.database.place();
        let searches_lists = !filter.filters.services.is_empty() || !filter.filters.tags.is_empty();
        if searches_lists && limit > 0 {
            let mut page = Page::default();
            for row in self.rows(reads::counted_page(source, filter, order, limit)).await? {
                let mut columns = row.columns(place);
                page.operations.push(decode(&columns.bytes()?, place)?);
                page.total = columns.int()?.cast_unsigned();
            }
            return Ok(page);
        }
        let statements = vec![reads::count(source, filter), reads::page(source, filter, order, limit)];
        let mut answers = self.database.read(statements).await?.into_iter();
        let total = answers.next().and_then(|rows| rows.into_iter().next());
        let total = total.map_or(Ok(0), |row| row.columns(place).int())?.cast_unsigned();
        let operations = self.decoded(answers.next().unwrap_or_default())?;
        Ok(Page { operations, total })
    }

    async fn aggregate(&self, source: &SourceId, query: &AggregateQuery) -> Result<Vec<AggregateRow>> {
        let rows = self.rows(reads::aggregate(source, query)).await?;
        Ok(query.rows(reads::groups(rows, query, self.database.place())?))
    }

    async fn distinct(
        &self,
        source: &SourceId,
        field: &Field,
        filter: &OperationFilter,
        limit: usize,
    ) -> Result<Vec<String>> {
        let rows = self.rows(reads::distinct(source, field, filter)).await?;
        reads::distinct_values(rows, field, limit, self.database.place())
    }

    async fn open_operations(&self, source: &SourceId) -> Result<Vec<StoredOperation>> {
        self.stored(reads::open(source)).await
    }

    async fn get(&self, source: &SourceId, key: &OperationKey) -> Result<Option<StoredOperation>> {
        Ok(self.stored(reads::record(source, key)).await?.pop())
    }

    async fn by_trace(&self, source: &SourceId, trace: TraceId) -> Result<Vec<StoredOperation>> {
        self.stored(reads::by_trace(source, trace)).await
    }

    async fn compact_traces(&self, source: &SourceId, key: &OperationKey) -> Result<Option<CompactTraces>> {
        let row = self.rows(reads::compact_traces(source, key)).await?.pop();
        row.map(|row| Ok(CompactTraces::from_bytes(row.columns(self.database.place()).bytes()?))).transpose()
    }

    async fn comparables(&self, source: &SourceId, query: &ComparableQuery) -> Result<Vec<Comparable>> {
        let operations = self.stored(reads::comparables(source, query)).await?;
        Ok(operations.into_iter().filter_map(|operation| operation.comparable).collect())
    }

    async fn marked(&self, source: &SourceId, limit: usize) -> Result<Vec<OperationKey>> {
        let place = self.database.place();
        let key = |row: Row| Ok(OperationKey::new(unescape(&row.columns(place).text()?)));
        self.rows(reads::marked(source, limit)).await?.into_iter().map(key).collect()
    }
}
