import { evaluateWhen, ExpressionError, findTags } from '#libs/expressions';
import type { Arguments, Template, TemplateGetter, TemplateRef, ValuePath, WorkflowSpec } from '#libs/workflow-spec';

/** Something that Argo takes without a word and that cannot be meant. */
export interface Advice {
  rule: 'argument-unknown' | 'argument-unused' | 'when-unreadable';
  message: string;
  path: ValuePath;
}

interface Call {
  name?: string | undefined;
  template?: string | undefined;
  templateRef?: TemplateRef | undefined;
  inline?: Template | undefined;
  arguments?: Arguments | undefined;
  when?: string | undefined;
}

interface PlacedCall {
  call: Call;
  path: ValuePath;
  owner: string;
}

interface Subject {
  spec: WorkflowSpec;
  /** Path to the spec in its object. */
  root: ValuePath;
  namespace: string;
  templates: TemplateGetter;
}

const callsOf = ({ spec, root }: Subject): PlacedCall[] =>
  (spec.templates ?? []).flatMap((template, at) => {
    const path = [...root, 'templates', at];
    const owner = `templates.${template.name}`;
    const steps = (template.steps ?? []).flatMap((group, groupAt) =>
      group.map((call, callAt) => ({
        call,
        path: [...path, 'steps', groupAt, callAt],
        owner: `${owner}.steps[${groupAt}].${call.name}`,
      })),
    );
    const tasks = (template.dag?.tasks ?? []).map((call, callAt) => ({
      call,
      path: [...path, 'dag', 'tasks', callAt],
      owner: `${owner}.tasks.${call.name}`,
    }));
    return [...steps, ...tasks];
  });

const templateOf = ({ call }: PlacedCall, { spec, namespace, templates }: Subject): Template | undefined => {
  const { templateRef: reference, template: name, inline } = call;
  if (inline) return inline;
  const key =
    reference?.clusterScope === true
      ? ({ kind: 'clusterWorkflowTemplate', name: reference.name ?? '' } as const)
      : ({ kind: 'workflowTemplate', namespace, name: reference?.name ?? '' } as const);
  const source = reference ? templates(key) : spec;
  return source?.templates?.find((template) => template.name === (reference?.template ?? name));
};

/** Arguments whose names the called template does not have: Argo drops them silently. */
const unknownArguments = (subject: Subject): Advice[] =>
  callsOf(subject).flatMap((placed) => {
    const template = templateOf(placed, subject);
    if (!template) return [];
    return (['parameters', 'artifacts'] as const).flatMap((kind) => {
      const known = new Set((template.inputs?.[kind] ?? []).map(({ name }) => name));
      return (placed.call.arguments?.[kind] ?? []).flatMap(({ name }, at) =>
        known.has(name)
          ? []
          : [
              {
                rule: 'argument-unknown' as const,
                message: `${placed.owner} passes ${kind.slice(0, -1)} '${name}', which template '${template.name}' does not have`,
                path: [...placed.path, 'arguments', kind, at],
              },
            ],
      );
    });
  });

/** Arguments of the workflow that nothing reads. With a template elsewhere, what it reads is not known. */
const unusedArguments = ({ spec, root }: Subject): Advice[] => {
  const calls = spec.templates?.flatMap((template) => [...(template.steps ?? []).flat(), ...(template.dag?.tasks ?? [])]) ?? [];
  if (spec.workflowTemplateRef || calls.some(({ templateRef }) => templateRef !== undefined)) return [];
  const { arguments: given, ...rest } = spec;
  const text = JSON.stringify(rest);
  if (/workflow\.parameters(?:\.json)?(?![\w.[-])/.test(text) || /workflow\.parameters\.json\b/.test(text)) return [];
  const tops = new Set([spec.entrypoint, spec.onExit]);
  const inputs = (spec.templates ?? [])
    .filter(({ name }) => tops.has(name))
    .flatMap(({ inputs: each }) => each?.parameters ?? []);
  const read = new Set(inputs.map(({ name }) => name));
  return (given?.parameters ?? []).flatMap(({ name }, at) =>
    read.has(name) || text.includes(`workflow.parameters.${name}`) || text.includes(`workflow.parameters[`)
      ? []
      : [
          {
            rule: 'argument-unused' as const,
            message: `spec.arguments.parameters.${name} is never read`,
            path: [...root, 'arguments', 'parameters', at],
          },
        ],
  );
};

/** What a tag may turn into: a condition that cannot be read with any of them cannot be read at all. */
const STAND_INS = ['x', '1', 'true', '"x"', "'x'", ''];

const isReadable = (condition: string): boolean => {
  try {
    evaluateWhen(condition);
    return true;
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    return error.stage !== 'parse';
  }
};

const withStandIn = (condition: string, standIn: string): string =>
  findTags(condition).reduce((replaced, { text }) => replaced.replace(`{{${text}}}`, () => standIn), condition);

const unreadableConditions = (subject: Subject): Advice[] =>
  callsOf(subject).flatMap(({ call, path, owner }) => {
    const { when = '' } = call;
    if (when === '' || STAND_INS.some((standIn) => isReadable(withStandIn(when, standIn)))) return [];
    return [
      {
        rule: 'when-unreadable' as const,
        message: `${owner} has a 'when' that can never be read: ${when}`,
        path: [...path, 'when'],
      },
    ];
  });

/** Advice on one spec. Never throws for what the spec says; references that are not found give none. */
export const adviceOn = (subject: Subject): Advice[] => [
  ...unknownArguments(subject),
  ...unusedArguments(subject),
  ...unreadableConditions(subject),
];
