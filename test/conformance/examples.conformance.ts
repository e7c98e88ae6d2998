import { playRecordings } from './recorded-suites.js';

// Beside the others: some of the examples do little but sleep for minutes.
playRecordings([{ title: 'examples, sandbox', group: 'examples', namespace: 'argo', runtime: 'sandbox' }]);
