// Preloaded: what the package would meet on a Mac, as far as the loader can tell.
Object.defineProperty(process, 'platform', { value: 'darwin' });
Object.defineProperty(process, 'arch', { value: 'arm64' });
