import { describe, expect, it } from 'vitest';

import { simPod } from '#libs/testing';

import { playPod } from './simulated-members.js';

const member = (name: string, args: string[], dependencies: string[] = []) => ({ name, image: 'sim', args, dependencies });
const set = (...containers: ReturnType<typeof member>[]) => simPod([], { template: { containerSet: { containers } } });

describe('the containers of a simulated pod', () => {
  it('go one after another where they depend on each other, and together where they do not', () => {
    const play = playPod(set(member('a', ['ms=10']), member('b', ['ms=5'], ['a']), member('c', ['ms=20'], ['a'])));
    expect(play.durationMs).toBe(30);
    expect(play.containers?.map(({ name, phase }) => `${name} ${phase}`)).toEqual(['a Succeeded', 'b Succeeded', 'c Succeeded']);
  });

  it('are never begun behind one that has failed, which names the pod’s failure', () => {
    const play = playPod(set(member('a', ['exit=3']), member('b', [], ['a'])));
    expect(play.message).toBe('a: Error (exit code 3)');
    expect(play.containers).toEqual([
      { name: 'a', phase: 'Failed', exitCode: 3, message: 'Error (exit code 3): ' },
      { name: 'b', phase: 'Failed', exitCode: 64, message: 'Error (exit code 64): ' },
    ]);
  });

  it('give the result of main', () => {
    expect(playPod(set(member('a', ['result=no']), member('main', ['result=yes']))).lines).toEqual(['yes']);
  });

  it('wait for init containers, and leave sidecars out', () => {
    const play = playPod(
      simPod(['ms=1'], {
        template: {
          initContainers: [{ name: 'first', image: 'sim', args: ['ms=7'] }],
          sidecars: [{ name: 'beside', image: 'nginx', command: ['nginx'] }],
        },
      }),
    );
    expect(play).toMatchObject({ durationMs: 8, exitCode: 0 });
    expect(play.containers).toBeUndefined();
  });
});
