import { describe, expect, it } from 'vitest';
import { ManifestPlaces } from './manifest-places.js';

const TEXT = `# a file
kind: Workflow
spec:
  templates:
    - name: main
      steps:
        - - name: a
            template: leaf
    - &leaf
      name: leaf
      container: {image: busybox, args: [x, y]}
---
---
spec: &spec
  a: 1
other: *spec
`;

describe('places in a text', () => {
  const places = new ManifestPlaces(TEXT);

  it.each([
    [1, [], { line: 2, column: 1 }],
    [1, ['spec', 'templates', 0, 'steps', 0, 0, 'template'], { line: 8, column: 13 }],
    [1, ['spec', 'templates', 1, 'container', 'args', 1], { line: 11, column: 45 }],
    [1, ['spec', 'templates', 0, 'nothing', 3], { line: 5, column: 7 }],
    [3, ['other', 'a'], { line: 15, column: 3 }],
  ])('document %i, %j', (document, path, place) => expect(places.placeOf(document, path)).toEqual(place));

  it('are none in a document that is not there', () => {
    expect(places.placeOf(9, ['spec'])).toBeUndefined();
  });

  it('are found in JSON too', () => {
    expect(new ManifestPlaces('{"a":\n {"b": 1}}').placeOf(1, ['a', 'b'])).toEqual({ line: 2, column: 3 });
  });
});
