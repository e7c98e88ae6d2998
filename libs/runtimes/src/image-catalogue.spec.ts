import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { ImageCatalogue } from './image-catalogue.js';

describe('the file of images', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'argosy-images-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const read = (text: string): ImageCatalogue => {
    writeFileSync(path.join(folder, 'images.yaml'), text);
    return ImageCatalogue.fromFile(path.join(folder, 'images.yaml'));
  };

  it('gives roots relative to itself, and takes a name without tag for latest', () => {
    const images = read('a/b:latest: {root: x, entrypoint: [run]}\nc: {cmd: [sh]}\n');
    expect(images.find('a/b')).toEqual({ root: path.join(folder, 'x'), entrypoint: ['run'] });
    expect(images.find('c:latest')).toEqual({ cmd: ['sh'] });
    expect(images.find('c:1')).toBeUndefined();
  });

  it('is refused with the place where it is wrong', () => {
    expect(() => read('a: {rot: x}')).toThrow(/images\.yaml: .*rot/s);
    expect(() => ImageCatalogue.fromFile(path.join(folder, 'absent.yaml'))).toThrow('ENOENT');
  });
});
