import { playRecordings } from './recorded-suites.js';

playRecordings([
  { title: 'random, simulated', group: 'random', namespace: 'lab', runtime: 'simulated' },
  { title: 'random, sandbox', group: 'random', namespace: 'lab', runtime: 'sandbox' },
  { title: 'e2e, sandbox', group: 'e2e', namespace: 'argo', runtime: 'sandbox' },
]);
