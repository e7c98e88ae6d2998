import { describe, expect, it } from 'vitest';

import { parseCommand } from './command-line.js';

const paths = ['--pod', 'pod.json', '--root', '/r'];

describe('the command line', () => {
  it('asks for staging or for capturing', () => {
    expect(parseCommand(['stage', ...paths])).toEqual({ verb: 'stage', podFile: 'pod.json', rootFolder: '/r' });
    expect(parseCommand(['capture', ...paths, '--exit-code=137', '--stdout', 'o', '--logs', 'l', '--report', 'r'])).toEqual({
      ...{ verb: 'capture', podFile: 'pod.json', rootFolder: '/r', exitCode: 137 },
      ...{ stdoutFile: 'o', logsFolder: 'l', reportFile: 'r' },
    });
  });

  it('asks for what happens in the containers of a pod', () => {
    for (const verb of ['init', 'progress']) expect(parseCommand([verb])).toEqual({ verb });
    for (const verb of ['wait', 'result']) expect(parseCommand([verb, '--report', 'r'])).toEqual({ verb, reportFile: 'r' });
  });

  it.each<[string[], RegExp]>([
    [['result'], /--report is required/],
    [['progress', '--report', 'r'], /--report has no meaning for progress/],
    [[], /--pod is required/],
    [paths, /stage or capture is required/],
    [['run', ...paths], /unknown command "run"/],
    [['stage', 'twice', ...paths], /unexpected argument "twice"/],
    [['stage', '--pod', 'x'], /--root is required/],
    [['stage', '--pod', '', '--root', 'y'], /--pod is required/],
    [['stage', ...paths, '--exit-code', '1'], /--exit-code has no meaning for stage/],
    [['stage', ...paths, '--wat'], /--wat/],
    [['capture', ...paths, '--stdout', 'z'], /--exit-code is required/],
    [['capture', ...paths, '--stdout', 'z', '--exit-code=-1'], /--exit-code must be 0 to 255, not "-1"/],
    [['capture', ...paths, '--stdout', 'z', '--exit-code', '256'], /--exit-code must be 0 to 255/],
    [['capture', ...paths, '--stdout', 'z', '--exit-code', '1e1'], /--exit-code must be 0 to 255/],
  ])('refuses %j', (args, message) => {
    expect(() => parseCommand(args)).toThrow(message);
  });
});
