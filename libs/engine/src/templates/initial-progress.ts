import { AnnotationName, type Template } from '#libs/workflow-spec';

const PROGRESS = /^(\d+)\/(\d+)$/;

/** The progress that a pod begins with: what its template's metadata says in the annotation `workflows.argoproj.io/progress`; nothing without one. */
export const initialProgress = (template: Template): { progress?: string } => {
  const progress = template.metadata?.annotations?.[AnnotationName.progress] ?? '';
  const [, done = '0', total = '0'] = PROGRESS.exec(progress) ?? [];
  return Number(total) > 0 && Number(done) <= Number(total) ? { progress } : {};
};
