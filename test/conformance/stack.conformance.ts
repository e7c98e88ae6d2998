import { playRecordings } from './recorded-suites.js';

// The simulated ones last: their outcome may hang on which pod ends first, and by then the examples beside them only sleep.
playRecordings([
  { title: 'e2e, sandbox', group: 'e2e', namespace: 'argo', runtime: 'sandbox' },
  { title: 'random, sandbox', group: 'random', namespace: 'lab', runtime: 'sandbox' },
  { title: 'random, simulated', group: 'random', namespace: 'lab', runtime: 'simulated' },
]);
