// Prepares a data source's answer as Grafana renders it: transformed, with names, links, colours and the options of a table.
import {
  applyFieldOverrides,
  createTheme,
  type DataFrame,
  type FieldConfigSource,
  FieldConfigOptionsRegistry,
  transformDataFrame,
} from '@grafana/data';
import { firstValueFrom } from 'rxjs';
import { type Mode } from './mount';

/* eslint-disable @typescript-eslint/no-explicit-any */

/** The properties that overrides of a dashboard may set: Grafana's own, and those of its table. */
const PROPERTIES = [
  ...['links', 'mappings', 'displayName', 'unit', 'decimals', 'min', 'max', 'color', 'thresholds', 'noValue'],
  ...['custom.width', 'custom.minWidth', 'custom.cellOptions', 'custom.wrapText', 'custom.filterable', 'custom.align'],
];

const registry = new FieldConfigOptionsRegistry(() =>
  PROPERTIES.map(
    (id) =>
      ({
        id,
        name: id,
        path: id.replace('custom.', ''),
        isCustom: id.startsWith('custom.'),
        settings: {},
        shouldApply: () => true,
        process: (value: unknown) => value,
        editor: null,
        override: null,
      }) as never
  )
);

export const NO_OVERRIDES: FieldConfigSource = { defaults: {}, overrides: [] };

/** Frames as a panel with this field configuration renders them. */
export function configured(frames: DataFrame[], mode: Mode, fieldConfig: FieldConfigSource = NO_OVERRIDES) {
  return applyFieldOverrides({
    data: frames,
    fieldConfig,
    fieldConfigRegistry: registry,
    theme: createTheme({ colors: { mode } }),
    replaceVariables: (text: string) => text,
    timeZone: 'utc',
  });
}

/** Frames as a panel of a dashboard renders them. */
export async function ofPanel(frames: DataFrame[], mode: Mode, model: any): Promise<DataFrame[]> {
  const transformed = await firstValueFrom(transformDataFrame(model.transformations ?? [], frames));
  return configured(transformed, mode, model.fieldConfig);
}
