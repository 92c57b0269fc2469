// What editors and dashboard variables need of the data source. They depend on these interfaces, not on the class, because
// the class depends on them.
import { type DataSourceApi, type ScopedVars, type TimeRange } from '@grafana/data';
import { type Filters, type KtrdrOptions, type KtrdrQuery } from './query';

/** What the backend can suggest, by the name of its resource. */
export type Suggestion =
  | 'services'
  | 'span-names'
  | 'operation-ids'
  | 'operation-types'
  | 'error-types'
  | 'workers'
  | 'tag-keys'
  | 'tag-values';

export interface SuggestionScope {
  range?: TimeRange;
  filters?: Filters;
  scopedVars?: ScopedVars;
  /** The attribute whose values are requested. */
  key?: string;
}

export interface SuggestionSource {
  /** Suggestions for a field; rejects with the backend's message if they are not available. */
  suggest(what: Suggestion, scope?: SuggestionScope): Promise<string[]>;
}

export interface UploadTarget {
  /** Sends a trace file to the backend and returns the handle for a query of type `upload`. */
  upload(file: File): Promise<string>;
}

export interface EditorDataSource extends DataSourceApi<KtrdrQuery, KtrdrOptions>, SuggestionSource, UploadTarget {}
