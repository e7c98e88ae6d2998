import { isLabelledBegun, isStateAnnotation, isStateLabel } from '#libs/workflow-spec';
import type { WorkflowRequest } from '../contract.js';
import type { Pass } from '../pass.js';
import { lookAgain } from '../state/look-again.js';
import { isFinished } from '../workflow/workflow-phase.js';
import { withEdits } from '../workflow/written-metadata.js';

type Texts = Record<string, string>;
type Edits = Record<string, string | null>;

/** Labels, or annotations. */
interface Side {
  submitted: Texts;
  edits: Edits;
  /** Of the header: those of the state, and what the spec gives the workflow as it begins. */
  added: Texts;
  /** All that the spec gave it. */
  given: Texts;
  found: Texts;
  /** The object has been given what was added. */
  isShown: boolean;
  isOfState: (name: string) => boolean;
}

/** Where the object says otherwise than the rows. What the spec gives stands over all that the object says until it was given that. */
const differences = ({ submitted, edits, added, found, isShown, isOfState }: Side): Edits => {
  const known: Texts = { ...withEdits(submitted, edits), ...added };
  const names = new Set([...Object.keys(known), ...Object.keys(found)]);
  const changes: Edits = {};
  for (const name of names) {
    const isToCome = !isShown && Object.hasOwn(added, name);
    if (isOfState(name) || isToCome || found[name] === known[name]) continue;
    changes[name] = found[name] ?? null;
  }
  return changes;
};

/** Edits that say what was submitted say nothing, except against what the spec has given. */
const withoutIdle = (edits: Edits, { submitted, given }: Side): Edits =>
  Object.fromEntries(
    Object.entries(edits).filter(([name, value]) => value !== (submitted[name] ?? null) || Object.hasOwn(given, name)),
  );

const without = (texts: Texts, names: Edits): Texts =>
  Object.fromEntries(Object.entries(texts).filter(([name]) => !Object.hasOwn(names, name)));

/**
 * A person has changed labels or annotations of a workflow's object, at whatever time: theirs are what the workflow has from now on, also
 * where its spec had given it others; what the spec gives comes with the object's first sight of the run, over what people wrote before (as
 * Argo, which applies it in that write). Those that say how it is doing are not theirs. Saying the same again changes nothing.
 */
export const takeRelabel = (pass: Pass, found: Extract<WorkflowRequest, { type: 'relabel' }>): void => {
  const { state } = pass;
  const { submitted, header } = state;
  const given = header.internal['metadata'] as Partial<Record<'labels' | 'annotations', Texts>> | undefined;
  const isShown = isLabelledBegun(found.labels);
  const sideOf = (side: 'labels' | 'annotations'): Side => ({
    submitted: submitted.metadata[side] ?? {},
    edits: header.edited?.[side] ?? {},
    added: header[side],
    given: given?.[side] ?? {},
    found: found[side],
    isShown,
    isOfState: side === 'labels' ? isStateLabel : isStateAnnotation,
  });
  const [labels, annotations] = [sideOf('labels'), sideOf('annotations')];
  const changed = { labels: differences(labels), annotations: differences(annotations) };
  if (Object.keys({ ...changed.labels, ...changed.annotations }).length === 0) return;
  state.changeHeader((now) => {
    now.edited = {
      labels: withoutIdle({ ...labels.edits, ...changed.labels }, labels),
      annotations: withoutIdle({ ...annotations.edits, ...changed.annotations }, annotations),
    };
    now.labels = without(now.labels, changed.labels);
    now.annotations = without(now.annotations, changed.annotations);
  });
  if (isFinished(state)) return;
  // Whatever begins from now on reads them.
  state.derived.clear();
  lookAgain(state);
  state.deferred.set('', 'restored');
};
