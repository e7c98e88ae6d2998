import { describe, expect, it } from 'vitest';

import type { PodManifest, PodWork } from '#libs/pod-spec';
import type { ArtifactLocation, KubernetesObject } from '#libs/workflow-spec';

import { isLogSegment, placeAround, podPlaces } from './pod-places.js';

const store: KubernetesObject = { endpoint: 's3:9000', bucket: 'b', accessKeySecret: { name: 'c', key: 'a' } };
const manifest = (work: Partial<PodWork>): PodManifest =>
  ({
    spec: { containers: [{ name: 'wait' }, { name: 'main' }] },
    work: {
      inputArtifacts: [],
      outputArtifacts: [],
      archiveKey: 'wf/pod',
      repository: { s3: store },
      mainContainers: ['main'],
      ...work,
    },
  }) as unknown as PodManifest;
const at = (key: string, more: KubernetesObject = {}): ArtifactLocation => ({ s3: { ...store, ...more, key } });

const places = podPlaces(
  manifest({
    inputArtifacts: [
      { name: 'in', path: '/in', s3: { key: 'wf/other/in.tgz' } },
      { name: 'none', path: '/n', optional: true },
    ],
    outputArtifacts: [
      { name: 'packed', path: '/tmp/packed' },
      { name: 'tree', path: '/tmp/tree/', archive: { none: {} } },
    ],
  }),
);

describe('the places of a pod', () => {
  it('are those that staging and capture use', () => {
    expect(places.map(({ use, location }) => [use, location.s3?.['key']])).toEqual([
      ['input', 'wf/other/in.tgz'],
      ['output', 'wf/pod/packed.tgz'],
      ['output', 'wf/pod/tree'],
      ['log', 'wf/pod/main.log'],
    ]);
    expect(podPlaces(manifest({ repository: undefined as never, outputArtifacts: [{ name: 'o', path: '/o' }] }))).toEqual([]);
  });

  it.each([
    ['wf/pod/packed.tgz', true],
    ['wf/pod/tree/a/b', true],
    ['wf/pod/main.log', true],
    ['wf/pod/main.log.segments/1/0-7', true],
    ['wf/pod/main.log.segments', true],
    ['wf/pod/main.logs', false],
    ['wf/pod/treeish', false],
    ['wf/pod', false],
    ['wf/other/in.tgz', false],
    ['wf/pod/tree/../../other', false],
    ['', false],
  ])('may be written at %s: %s', (key, expected) => {
    expect(placeAround(places, at(key), ['output', 'log']) !== undefined).toBe(expected);
  });

  it('are of one store: another endpoint, bucket or Secret is another place', () => {
    for (const more of [{ endpoint: 'evil:80' }, { bucket: 'c' }, { accessKeySecret: { name: 'd', key: 'a' } }, { roleARN: 'r' }])
      expect(placeAround(places, at('wf/pod/packed.tgz', more), ['output'])).toBeUndefined();
    const reordered = { key: 'wf/pod/packed.tgz', accessKeySecret: { key: 'a', name: 'c' }, bucket: 'b', endpoint: 's3:9000' };
    expect(placeAround(places, { s3: reordered }, ['output'])).toBe(places[1]);
    expect(placeAround(places, { gcs: reordered }, ['output'])).toBeUndefined();
  });

  it('can be deleted only where they are segments of its own log', () => {
    const deletable = [
      'wf/pod/main.log.segments/1/0-7',
      'wf/pod/main.log',
      'wf/pod/packed.tgz',
      'wf/other/main.log.segments/1/0',
    ];
    expect(deletable.filter((key) => isLogSegment(places, at(key)))).toEqual(['wf/pod/main.log.segments/1/0-7']);
  });
});
