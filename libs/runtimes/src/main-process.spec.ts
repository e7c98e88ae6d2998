import { describe, expect, it } from 'vitest';

import { commandLine } from './main-process.js';

describe('the command line of main', () => {
  const image = { entrypoint: ['/entry'], cmd: ['default'] };

  it.each([
    ['command and args replace both', { command: ['a'], args: ['b'] }, image, ['a', 'b']],
    ["command replaces the image's cmd too", { command: ['a'] }, image, ['a']],
    ['args replace the cmd only', { args: ['b'] }, image, ['/entry', 'b']],
    ['the image alone says what runs', {}, image, ['/entry', 'default']],
    ['args are the program of an image with a cmd only', { args: ['b'] }, { cmd: ['sh'] }, ['b']],
    ['a command needs no image', { command: ['a'] }, undefined, ['a']],
  ])('%s', (_case, fields, entry, line) => {
    expect(commandLine({ image: 'x', ...fields }, entry)).toEqual(line);
  });

  it('refuses a container of which nobody knows what to run', () => {
    expect(() => commandLine({ image: 'x', args: ['b'] }, undefined)).toThrow(
      'image x: no entrypoint known; give command or --images',
    );
  });
});
