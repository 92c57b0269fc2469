import { PanelPlugin } from '@grafana/data';
import { DiagnosisPanel } from './DiagnosisPanel';
import { buildOptions, type PanelOptions } from './options';
import { suggest } from './suggestions';

export const plugin = suggest(new PanelPlugin<PanelOptions>(DiagnosisPanel).setPanelOptions(buildOptions));
