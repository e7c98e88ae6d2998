import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { nextTick, schedulesOf, scheduleText } from '#libs/expressions';
import type { CronChild } from '#libs/store';
import type { CronWorkflow, CronWorkflowSpec } from '#libs/workflow-spec';
import { decideSchedule, type ScheduleDecision } from './decide-schedule.js';
import { newMemory, type ScheduleMemory } from './schedule-memory.js';

const at = (text: string): number => Date.parse(`2024-03-01T${text}Z`);
const cronOf = (spec: Partial<CronWorkflowSpec>): CronWorkflow => ({
  metadata: { name: 'c', namespace: 'ns', uid: 'u' },
  spec: { schedules: ['*/10 * * * *'], workflowSpec: {}, ...spec },
});
const child = (uid: string, phase: string): CronChild => ({
  uid,
  name: uid,
  phase,
  completed: phase !== 'Running',
  createdAtMs: 0,
  finishedAtMs: phase === 'Running' ? null : 1,
  ownerUid: 'u',
});

/** Visits one CronWorkflow again and again, as the service does; children end only where a test says so. */
class Visitor {
  memory: ScheduleMemory;
  lastMs: number | null = null;
  children: CronChild[] = [];

  constructor(
    public cron: CronWorkflow,
    beginsAt: string,
  ) {
    this.memory = newMemory(cron, scheduleText(cron.spec), at(beginsAt));
  }

  /** Times of the ticks that ran until nothing more was due. */
  visit(time: string): string[] {
    const ran: string[] = [];
    for (;;) {
      const decision = this.decide(time);
      this.memory = decision.memory;
      this.lastMs = decision.lastScheduledAtMs;
      if (decision.tick === undefined) return ran;
      if (decision.tick.outcome !== 'run') continue;
      const uid = new Date(decision.tick.atMs).toISOString().slice(11, 16);
      ran.push(uid);
      this.children.push(child(uid, 'Running'));
      this.memory = { ...this.memory, active: [...this.memory.active, { uid, name: uid }] };
    }
  }

  decide(time: string): ScheduleDecision {
    const { cron, memory, children } = this;
    return decideSchedule({ cron, memory, lastScheduledAtMs: this.lastMs, children, nowMs: at(time) });
  }

  end(uid: string, phase: string): void {
    this.children = this.children.map((running) => (running.uid === uid ? child(uid, phase) : running));
  }
}

describe('a schedule', () => {
  it('runs each tick once and waits for the next', () => {
    const cron = new Visitor(cronOf({}), '10:05:00');
    expect(cron.visit('10:09:59')).toEqual([]);
    expect(cron.visit('10:10:00')).toEqual(['10:10']);
    expect(cron.visit('10:10:01')).toEqual([]);
    expect(cron.decide('10:10:02').nextRunAtMs).toBe(at('10:20:00'));
  });

  it('runs a tick of two schedules once', () => {
    const cron = new Visitor(cronOf({ schedules: ['*/10 * * * *', '*/15 * * * *'] }), '10:25:00');
    expect(cron.visit('10:30:05')).toEqual(['10:30']);
  });

  it('begins every interval at the last tick and not at the moment of the visit', () => {
    const cron = new Visitor(cronOf({ schedules: ['@every 1m'] }), '10:00:10');
    expect([cron.visit('10:01:14'), cron.visit('10:02:11')]).toEqual([['10:01'], ['10:02']]);
    expect(cron.lastMs).toBe(at('10:02:10'));
  });

  it('counts an interval by itself beside other schedules', () => {
    const cron = new Visitor(cronOf({ schedules: ['@every 90s', '* * * * *'] }), '10:00:10');
    const ran = ['10:01:00', '10:01:40', '10:02:00', '10:03:00', '10:03:10'].map((time) => {
      cron.visit(time);
      return new Date(cron.lastMs ?? 0).toISOString().slice(11, 19);
    });
    expect(ran).toEqual(['10:01:00', '10:01:40', '10:02:00', '10:03:00', '10:03:10']);
  });

  it('keeps the time of its zone over the change of clocks', () => {
    const cron = cronOf({ schedules: ['30 2 * * *'], timezone: 'Europe/Berlin' });
    const nowMs = Date.parse('2024-03-30T12:00:00Z');
    const memory = newMemory(cron, scheduleText(cron.spec), nowMs);
    const next = decideSchedule({ cron, memory, lastScheduledAtMs: null, children: [], nowMs }).nextRunAtMs;
    expect(new Date(next ?? 0).toISOString()).toBe('2024-04-01T00:30:00.000Z');
  });

  it('says what is wrong with a zone or a schedule in a condition, and goes on when it is repaired', () => {
    const cron = new Visitor(cronOf({ timezone: 'Mars/Base' }), '10:05:00');
    expect(cron.visit('10:06:00')).toEqual([]);
    expect(cron.memory.conditions).toEqual([
      { type: 'SpecError', status: 'True', message: 'provided bad location Mars/Base: unknown time zone Mars/Base' },
    ]);
    cron.cron = cronOf({});
    expect(cron.visit('10:07:00')).toEqual([]);
    expect(cron.memory.conditions).toEqual([]);
    expect(cron.visit('10:10:00')).toEqual(['10:10']);
  });
});

describe('ticks that nobody saw come', () => {
  it('are lost without a deadline, as in Argo; the next one runs', () => {
    const cron = new Visitor(cronOf({}), '10:05:00');
    expect(cron.visit('10:10:00')).toEqual(['10:10']);
    expect(cron.visit('11:05:00')).toEqual([]);
    expect(cron.visit('11:10:00')).toEqual(['11:10']);
  });

  it('are on time while one scheduler takes over from another', () => {
    const cron = new Visitor(cronOf({}), '10:05:00');
    expect(cron.visit('10:10:29')).toEqual(['10:10']);
  });

  it('are missed sooner where startingDeadlineSeconds says so', () => {
    const cron = new Visitor(cronOf({ startingDeadlineSeconds: 10 }), '10:05:00');
    expect([cron.visit('10:10:09'), cron.visit('10:20:11')]).toEqual([['10:10'], []]);
  });

  it('run the last one within startingDeadlineSeconds', () => {
    const cron = new Visitor(cronOf({ startingDeadlineSeconds: 400 }), '10:05:00');
    cron.visit('10:10:00');
    expect(cron.visit('11:05:00')).toEqual(['11:00']);
    expect(cron.visit('11:06:00')).toEqual([]);
    expect(cron.lastMs).toBe(at('11:00:00'));
  });

  it('run none beyond startingDeadlineSeconds', () => {
    const cron = new Visitor(cronOf({ startingDeadlineSeconds: 200 }), '10:05:00');
    cron.visit('10:10:00');
    expect(cron.visit('11:05:00')).toEqual([]);
  });

  it('run none where nothing ran before', () => {
    expect(new Visitor(cronOf({ startingDeadlineSeconds: 4000 }), '10:05:00').visit('11:05:00')).toEqual([]);
  });

  it('run none of a schedule that has changed', () => {
    const cron = new Visitor(cronOf({ startingDeadlineSeconds: 4000 }), '10:05:00');
    cron.visit('10:10:00');
    cron.cron = cronOf({ startingDeadlineSeconds: 4000, schedules: ['*/5 * * * *'] });
    expect(cron.visit('11:07:00')).toEqual([]);
  });

  it('are all run, oldest first, with catchUp', () => {
    const cron = new Visitor(cronOf({ catchUp: true }), '10:05:00');
    cron.visit('10:10:00');
    expect(cron.visit('10:55:00')).toEqual(['10:20', '10:30', '10:40', '10:50']);
  });

  it('are caught up no further back than the deadline', () => {
    const cron = new Visitor(cronOf({ catchUp: true, startingDeadlineSeconds: 1000 }), '10:05:00');
    expect(cron.visit('10:55:00')).toEqual(['10:40', '10:50']);
  });

  it('are caught up one after another under Forbid', () => {
    const cron = new Visitor(cronOf({ catchUp: true, concurrencyPolicy: 'Forbid' }), '10:05:00');
    expect(cron.visit('10:35:00')).toEqual(['10:10']);
    expect(cron.decide('10:35:01')).toMatchObject({ nextRunAtMs: null });
    cron.end('10:10', 'Succeeded');
    expect(cron.visit('10:36:00')).toEqual(['10:20']);
  });
});

describe('suspension', () => {
  it('lets ticks pass and resumes with the next one', () => {
    const cron = new Visitor(cronOf({ suspend: true }), '10:05:00');
    expect(cron.visit('10:10:00')).toEqual([]);
    expect(cron.decide('10:10:00').nextRunAtMs).toBeNull();
    cron.cron = cronOf({});
    expect(cron.visit('10:20:05')).toEqual([]);
    expect(cron.visit('10:30:00')).toEqual(['10:30']);
  });

  it('runs the last tick that it let pass where the deadline allows', () => {
    const cron = new Visitor(cronOf({ startingDeadlineSeconds: 500 }), '10:05:00');
    cron.visit('10:10:00');
    cron.cron = cronOf({ startingDeadlineSeconds: 500, suspend: true });
    cron.visit('10:15:00');
    cron.cron = cronOf({ startingDeadlineSeconds: 500 });
    expect(cron.visit('10:35:00')).toEqual(['10:30']);
  });
});

describe('concurrency policies', () => {
  it('Allow runs beside what runs', () => {
    const cron = new Visitor(cronOf({ concurrencyPolicy: 'Allow' }), '10:05:00');
    expect([cron.visit('10:10:00'), cron.visit('10:20:00')]).toEqual([['10:10'], ['10:20']]);
    expect(cron.memory.active).toHaveLength(2);
  });

  it('Forbid lets the tick pass while a run goes on', () => {
    const cron = new Visitor(cronOf({ concurrencyPolicy: 'Forbid' }), '10:05:00');
    cron.visit('10:10:00');
    expect(cron.visit('10:20:00')).toEqual([]);
    expect(cron.lastMs).toBe(at('10:10:00'));
    cron.end('10:10', 'Succeeded');
    expect(cron.visit('10:21:00')).toEqual([]);
    expect(cron.visit('10:30:00')).toEqual(['10:30']);
  });

  it('Forbid runs the last tick that it held back where the deadline allows', () => {
    const cron = new Visitor(cronOf({ concurrencyPolicy: 'Forbid', startingDeadlineSeconds: 120 }), '10:05:00');
    cron.visit('10:10:00');
    cron.visit('10:20:00');
    cron.visit('10:30:00');
    cron.end('10:10', 'Failed');
    expect(cron.visit('10:31:00')).toEqual(['10:30']);
    expect(cron.memory.failed).toBe(1);
  });

  it('Forbid forgets the tick that it held back when its deadline has passed', () => {
    const cron = new Visitor(cronOf({ concurrencyPolicy: 'Forbid', startingDeadlineSeconds: 120 }), '10:05:00');
    cron.visit('10:10:00');
    cron.visit('10:20:00');
    cron.end('10:10', 'Succeeded');
    expect(cron.visit('10:23:00')).toEqual([]);
  });

  it('Replace orders what runs to end, once', () => {
    const cron = new Visitor(cronOf({ concurrencyPolicy: 'Replace' }), '10:05:00');
    cron.visit('10:10:00');
    expect(cron.decide('10:20:00')).toMatchObject({ tick: { outcome: 'run', replaced: 1 }, memory: { replaced: ['10:10'] } });
    cron.visit('10:20:00');
    expect(cron.decide('10:30:00')).toMatchObject({ tick: { replaced: 1 }, memory: { replaced: ['10:10', '10:20'] } });
    cron.end('10:10', 'Failed');
    expect(cron.decide('10:25:00').memory.replaced).toEqual([]);
  });
});

describe('children', () => {
  it('are counted once, by their end', () => {
    const cron = new Visitor(cronOf({}), '10:05:00');
    cron.visit('10:10:00');
    cron.visit('10:20:00');
    cron.end('10:10', 'Succeeded');
    cron.end('10:20', 'Error');
    cron.visit('10:21:00');
    cron.visit('10:22:00');
    expect(cron.memory).toMatchObject({ succeeded: 1, failed: 1, active: [], phase: 'Active' });
  });

  it('are adopted where somebody else made them, and forgotten where somebody deleted them', () => {
    const cron = new Visitor(cronOf({}), '10:05:00');
    cron.children = [child('by-hand', 'Running')];
    cron.visit('10:06:00');
    expect(cron.memory.active).toEqual([{ uid: 'by-hand', name: 'by-hand' }]);
    cron.children = [];
    cron.visit('10:07:00');
    expect(cron.memory).toMatchObject({ active: [], succeeded: 0, failed: 0 });
  });

  it('stop the schedule by stopStrategy', () => {
    const cron = new Visitor(cronOf({ stopStrategy: { expression: 'cronworkflow.succeeded >= 1' } }), '10:05:00');
    cron.visit('10:10:00');
    cron.end('10:10', 'Succeeded');
    expect(cron.visit('10:20:00')).toEqual([]);
    expect(cron.memory.phase).toBe('Stopped');
    expect(cron.decide('10:20:00').nextRunAtMs).toBeNull();
  });

  it('are not stopped by an expression that fails, which a condition says', () => {
    const cron = new Visitor(cronOf({ stopStrategy: { expression: 'nonsense(' } }), '10:05:00');
    expect(cron.visit('10:10:00')).toEqual([]);
    expect(cron.memory.conditions[0]).toMatchObject({ type: 'SpecError', status: 'True' });
  });
});

describe('when', () => {
  const WHEN = '{{= cronworkflow.lastScheduledTime == nil || (now() - cronworkflow.lastScheduledTime).Seconds() > 900 }}';

  it('knows the last run', () => {
    const cron = new Visitor(cronOf({ when: WHEN }), '10:05:00');
    expect([cron.visit('10:10:00'), cron.visit('10:20:00'), cron.visit('10:30:00')]).toEqual([['10:10'], [], ['10:30']]);
  });

  it('knows labels, name and counters', () => {
    const cron = cronOf({ when: '{{cronworkflow.name}} == c' });
    expect(new Visitor(cron, '10:05:00').decide('10:10:00').memory.conditions[0]?.message).toContain("No parameter 'c' found.");
    const quoted = cronOf({ when: "'{{cronworkflow.name}}' == 'c' && {{= cronworkflow.failed == 0 }}" });
    expect(new Visitor(quoted, '10:05:00').visit('10:10:00')).toEqual(['10:10']);
  });
});

describe('any schedule that is looked at often enough', () => {
  const LINES = ['* * * * *', '*/7 3-5 * * *', '0 */2 * * 1-5', '@hourly', '@every 45s', '30 2 * * *', '15 1 31 * *'];
  const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu'];
  const BEGIN_MS = Date.parse('2024-03-29T00:00:00Z');

  it('runs each of its ticks once and in order, whenever the looks come', () => {
    const gaps = fc.array(fc.integer({ min: 1, max: 29_000 }), { minLength: 1, maxLength: 300 });
    const lines = fc.uniqueArray(fc.constantFrom(...LINES), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(
        lines,
        fc.constantFrom(...ZONES),
        gaps,
        fc.integer({ min: 0, max: 3 * 86_400_000 }),
        (schedules, timezone, waits, offset) => {
          const beginMs = BEGIN_MS + offset;
          const cron = cronOf({ schedules, timezone });
          let memory = newMemory(cron, scheduleText(cron.spec), beginMs);
          let nowMs = beginMs;
          const ran: number[] = [];
          for (const wait of waits) {
            nowMs += wait;
            for (;;) {
              const decision = decideSchedule({ cron, memory, lastScheduledAtMs: null, children: [], nowMs });
              memory = decision.memory;
              if (decision.tick === undefined) break;
              ran.push(decision.tick.atMs);
            }
          }
          const expected: number[] = [];
          const parsed = schedulesOf(cron.spec);
          for (let at = nextTick(parsed, beginMs, beginMs); at !== undefined && at <= nowMs; at = nextTick(parsed, at, beginMs))
            expected.push(at);
          expect(ran).toEqual(expected);
        },
      ),
      { numRuns: 60 },
    );
  });
});
