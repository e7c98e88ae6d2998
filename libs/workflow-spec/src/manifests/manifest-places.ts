import { isAlias, isMap, isScalar, isSeq, LineCounter, type Document, type Node, type ParsedNode } from 'yaml';
import { composeManifests } from './parse-manifests.js';

/** Where something stands in a text; both count from 1. */
export interface TextPlace {
  line: number;
  column: number;
}

/** Keys and indices from the top of a document down to a value. */
export type ValuePath = readonly (string | number)[];

type Step = { node: Node | null | undefined; at: number | undefined };

const startOf = (node: Node | null | undefined): number | undefined => node?.range?.[0];

const stepInto = (node: Node | null | undefined, key: string | number, document: Document): Step | undefined => {
  const container = isAlias(node) ? node.resolve(document) : node;
  if (isSeq(container)) {
    const item = container.items[Number(key)] as Node | undefined;
    return item === undefined ? undefined : { node: item, at: startOf(item) };
  }
  if (!isMap(container)) return undefined;
  const pair = container.items.find((each) => isScalar(each.key) && each.key.value === key);
  return pair === undefined ? undefined : { node: pair.value as Node | null, at: startOf(pair.key as Node) };
};

/**
 * Finds the places of values in a text that `parseManifests` reads. A field's place is that of its key; of a path that leads nowhere, the
 * place of the last step that exists. Undefined where there is no such document.
 */
export class ManifestPlaces {
  private readonly lines = new LineCounter();
  private readonly documents: readonly Document.Parsed<ParsedNode>[];

  constructor(text: string) {
    this.documents = composeManifests(text, this.lines);
  }

  /** `document` counts from 1, as in a Manifest. */
  placeOf(document: number, path: ValuePath): TextPlace | undefined {
    const yaml = this.documents[document - 1];
    if (yaml === undefined) return undefined;
    let { node, at }: Step = { node: yaml.contents, at: startOf(yaml.contents) };
    for (const key of path) {
      const next = stepInto(node, key, yaml);
      if (next === undefined) break;
      node = next.node;
      at = next.at ?? at;
    }
    if (at === undefined) return undefined;
    const { line, col } = this.lines.linePos(at);
    return { line, column: col };
  }
}
