// Given to Windows' node.exe by --import: 'vitest' then means vitest_on_node.mjs.
import { register } from 'node:module';

const hooks = `
  const target = ${JSON.stringify(new URL('./vitest_on_node.mjs', import.meta.url).href)};
  export const resolve = (specifier, context, next) =>
    specifier === 'vitest' ? { url: target, shortCircuit: true } : next(specifier, context);
`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
