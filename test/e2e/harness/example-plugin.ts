/** Why the plugin of the examples cannot run: it says that it is not root, which the sandbox of an ordinary user cannot give. */
export const whyNoPlugin = process.getuid?.() === 0 ? undefined : '(skipped: only root can run the plugin as another user)';
