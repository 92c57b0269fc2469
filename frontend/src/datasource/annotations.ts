import { type AnnotationSupport } from '@grafana/data';
import { AnnotationQueryEditor } from './editors/AnnotationQueryEditor';
import { type KtrdrQuery } from './query';

export const DEFAULT_MIN_SEVERITY = 2;

const asAnnotation = (query?: Partial<KtrdrQuery>): KtrdrQuery => ({
  refId: 'Anno',
  minSeverity: DEFAULT_MIN_SEVERITY,
  ...query,
  queryType: 'annotations',
});

/** Operations that need attention, as annotations on the charts of a dashboard. */
export const annotationSupport: AnnotationSupport<KtrdrQuery> = {
  getDefaultQuery: () => asAnnotation(),
  prepareQuery: (annotation) => asAnnotation(annotation.target),
  QueryEditor: AnnotationQueryEditor,
};
