// Live updates of a running operation. Grafana Live replaces the row of the frame `diagnosis`. When its number of spans has
// changed, the lists that belong to it are requested again.
import { type DataFrame, type DataQueryResponse } from '@grafana/data';
import {
  connect,
  distinctUntilChanged,
  filter,
  map,
  merge,
  type Observable,
  skip,
  switchMap,
  tap,
  throttleTime,
} from 'rxjs';

/** The lists are requested at most once in this time, in milliseconds. */
const MIN_INTERVAL_MS = 2000;

/** The answers. After each change of the number of spans, new lists replace the old ones. */
export function followLists(
  answers: Observable<DataQueryResponse>,
  requestLists: () => Observable<DataQueryResponse>,
  interval = MIN_INTERVAL_MS
): Observable<DataQueryResponse> {
  return answers.pipe(
    connect((shared) => {
      let latest: DataQueryResponse | undefined;
      const lists = shared.pipe(
        map(({ data }) => spanCounts(data)),
        filter((counts) => counts !== null),
        distinctUntilChanged(),
        skip(1),
        throttleTime(interval, undefined, { leading: true, trailing: true }),
        switchMap(requestLists),
        filter((answer) => !answer.errors?.length),
        map((answer) => {
          latest = { ...(latest ?? answer), data: replaceFrames(latest?.data ?? [], answer.data) };
          return latest;
        })
      );
      const kept = shared.pipe(
        tap((answer) => {
          if (spanCounts(answer.data) === null) {
            latest = answer;
          }
        })
      );
      return merge(kept, lists);
    })
  );
}

/** The numbers of spans of a frame `diagnosis` as one comparable string; null without such a frame. */
function spanCounts(frames: DataFrame[]): string | null {
  const frame = frames.find((f) => f.name === 'diagnosis');
  const counts = frame?.fields.find((f) => f.name === 'span_count');
  return frame && counts ? Array.from({ length: frame.length }, (_, row) => counts.values[row]).join(',') : null;
}

const identity = (frame: DataFrame) => `${frame.refId}/${frame.name}`;

function replaceFrames(old: DataFrame[], fresh: DataFrame[]): DataFrame[] {
  const names = new Set(fresh.map(identity));
  return [...old.filter((frame) => !names.has(identity(frame))), ...fresh];
}
