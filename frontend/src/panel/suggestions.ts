import { type DataFrame, type PanelPlugin } from '@grafana/data';

const NAME = 'KTRDR Diagnosis';
/** The highest of Grafana's scores: this panel is the best one for these frames. */
const BEST = 100;

/** Columns of diagnoses, and of culprits. */
const COLUMNS = [
  ['verdict', 'summary', 'severity'],
  ['rank', 'summary', 'score'],
];
const fits = (frames: DataFrame[] | undefined) =>
  frames?.some(({ fields }) =>
    COLUMNS.some((names) => names.every((name) => fields.some((field) => field.name === name)))
  ) ?? false;

interface Summary {
  rawFrames?: DataFrame[];
}

/** The argument of a supplier in Grafana before 12.4. */
interface Builder {
  data?: { series?: DataFrame[] };
  getListAppender: (defaults: object) => { append: (suggestion: object) => void };
}

/** A function for Grafana 12.4 and later, with the method that earlier versions call. */
export const supplier = Object.assign(
  (summary: Summary) => (fits(summary.rawFrames) ? [{ name: NAME, score: BEST }] : undefined),
  {
    getSuggestionsForData(builder: Builder) {
      if (fits(builder.data?.series)) {
        builder
          .getListAppender({
            name: NAME,
            pluginId: 'ktrdr-diagnosis-panel',
            options: {},
            fieldConfig: { defaults: {}, overrides: [] },
          })
          .append({ name: NAME, score: BEST });
      }
    },
  }
);

/** Suggests the panel for frames of our data source. */
export function suggest<T>(plugin: PanelPlugin<T>): PanelPlugin<T> {
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- the deprecated form is the one of Grafana before 12.4
  return plugin.setSuggestionsSupplier(supplier as never);
}
