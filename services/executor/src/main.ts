import { runExecutor } from './run-executor.js';

process.exitCode = await runExecutor(process.argv.slice(2), process);
