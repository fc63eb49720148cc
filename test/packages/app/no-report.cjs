// Preloaded: a process that gives no report, so that the loader cannot know its libc.
Object.defineProperty(process, 'report', { value: undefined });
