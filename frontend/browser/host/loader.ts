// Loads built plugins as Grafana does: SystemJS, AMD, and an import map of the modules that Grafana shares.
import 'systemjs/dist/system';
import 'systemjs/dist/extras/amd';
import 'systemjs/dist/extras/named-register.js';

import * as emotionCss from '@emotion/css';
import * as emotionReact from '@emotion/react';
import * as grafanaData from '@grafana/data';
import * as grafanaRuntime from '@grafana/runtime';
import * as runtimeUnstable from '@grafana/runtime/unstable';
import * as grafanaUi from '@grafana/ui';
import lodash from 'lodash';
import moment from 'moment';
import * as React from 'react';
import * as ReactDOM from 'react-dom';
import * as rxjs from 'rxjs';
import * as rxjsOperators from 'rxjs/operators';

// Without react/jsx-runtime: Grafana 11.6.0 does not share it.
const shared: Record<string, unknown> = {
  '@emotion/css': emotionCss,
  '@emotion/react': emotionReact,
  '@grafana/data': grafanaData,
  '@grafana/runtime': grafanaRuntime,
  '@grafana/runtime/unstable': runtimeUnstable,
  '@grafana/ui': grafanaUi,
  lodash: { ...lodash, default: lodash, __useDefault: true },
  moment: { ...moment, default: moment, __useDefault: true },
  react: React,
  'react-dom': ReactDOM,
  rxjs,
  'rxjs/operators': rxjsOperators,
};

interface SystemJS {
  set: (name: string, module: unknown) => void;
  addImportMap: (map: { imports: Record<string, string> }) => void;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  import: (url: string) => Promise<{ plugin: any }>;
  constructor: { prototype: { shouldFetch: () => boolean } };
}
const System = (window as unknown as { System: SystemJS }).System;

export function startLoader() {
  const imports: Record<string, string> = {};
  for (const [name, module] of Object.entries(shared)) {
    System.set(`package:${name}`, module);
    imports[name] = `package:${name}`;
  }
  System.addImportMap({ imports });
  // With a script tag, as Grafana loads plugins that are not on a CDN.
  System.constructor.prototype.shouldFetch = () => false;
}

export const load = (id: string) => System.import(`${location.origin}/public/plugins/${id}/module.js`);
