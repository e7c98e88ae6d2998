import { describe, expect, it } from 'vitest';

import { simContainer, simPodOf } from '#libs/testing';

import { podContainers } from './pod-containers.js';
import { podOutcome } from './pod-ends.js';
import { type ContainerProgress, nextSteps } from './pod-steps.js';

const members = podContainers(
  simPodOf(
    {
      initContainers: [simContainer('one', []), simContainer('two', [])],
      containers: [simContainer('wait', []), simContainer('a', []), simContainer('b', []), simContainer('side', [])],
    },
    {
      work: {
        executorContainers: ['wait'],
        mainContainers: ['a', 'b'],
        containerGraph: [
          { name: 'a', dependencies: [] },
          { name: 'b', dependencies: ['a'] },
        ],
      },
    },
  ),
);

/** States by name: `running`, an exit code, or nothing for waiting. */
const stepsOf = (states: Record<string, 'running' | number>, isEnding = false) =>
  nextSteps(
    members.map((member): ContainerProgress => {
      const state = states[member.name];
      if (state === undefined) return { member, state: 'waiting' };
      return state === 'running' ? { member, state } : { member, state: 'ended', exitCode: state };
    }),
    isEnding,
  );

describe('the containers of a pod', () => {
  it('are those of the user, with their roles and what they wait for', () => {
    expect(members.map(({ name, role, dependencies }) => `${name} ${role} [${dependencies.join()}]`)).toEqual([
      'one init []',
      'two init [one]',
      'a main [two]',
      'b main [two,a]',
      'side sidecar [two]',
    ]);
  });

  it.each<[Record<string, 'running' | number>, string[], string[]]>([
    [{}, ['one'], []],
    [{ one: 'running' }, [], []],
    [{ one: 0 }, ['two'], []],
    [{ one: 0, two: 0 }, ['a', 'side'], []],
    [{ one: 0, two: 0, a: 0, side: 'running' }, ['b'], []],
    [{ one: 0, two: 0, a: 0, b: 0, side: 'running' }, [], ['side']],
    [{ one: 0, two: 0, a: 0, b: 'running', side: 0 }, [], []],
  ])('with %j start %j and stop %j', (states, start, stop) => {
    expect(stepsOf(states)).toMatchObject({ start, stop, skipped: [] });
  });

  it('never start after a failed one, nor when the pod is to end', () => {
    expect(stepsOf({ one: 3 }).skipped.map(({ name, exitCode }) => `${name} ${exitCode}`)).toEqual([
      'two 64',
      'a 64',
      'b 64',
      'side 64',
    ]);
    expect(stepsOf({ one: 3 }).isDone).toBe(true);
    const ending = stepsOf({ one: 0, two: 0, a: 'running', side: 'running' }, true);
    expect(ending).toMatchObject({ start: [], isDone: false });
    expect(ending.skipped.map(({ name, exitCode }) => `${name} ${exitCode}`)).toEqual(['b 143']);
  });
});

describe('the end of a pod', () => {
  const ends = (codes: Record<string, number>) =>
    members.map(({ name, role }) => ({ name, role, exitCode: codes[name] ?? 0, reason: 'Error', detail: '' }));

  it.each<[Record<string, number>, string | undefined]>([
    [{}, undefined],
    [{ a: 2, b: 64, side: 1 }, 'a: Error (exit code 2)'],
    [{ side: 1 }, 'side: Error (exit code 1)'],
    [{ side: 143 }, undefined],
    [{ side: 137 }, undefined],
    [{ two: 5, a: 64, b: 64, side: 64 }, 'two: Error (exit code 5)'],
  ])('with the codes %j has the message %j', (codes, message) => {
    expect(podOutcome(ends(codes), 'itself').message).toBe(message);
  });

  it('is no failure of the program where an init container failed', () => {
    expect(podOutcome(ends({ two: 5, a: 64 }), 'itself')).toMatchObject({ infrastructure: true, neverRan: true });
    expect(podOutcome(ends({ a: 1 }), 'itself').infrastructure).toBeUndefined();
  });
});
