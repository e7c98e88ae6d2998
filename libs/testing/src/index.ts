export { sharedFolder, sharedFolderHint } from './shared-folder.js';
