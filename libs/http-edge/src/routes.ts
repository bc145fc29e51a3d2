/** A route as it is registered: `/v1/gifts/:giftId`, under one method. */
export interface Route {
  readonly method: string;
  readonly path: string;
}

const isParameter = (segment: string): boolean => segment.startsWith(':');

/** The methods that a path takes; none when there is nothing at this path under any method. */
export function methodsAt(routes: readonly Route[], path: string): string[] {
  const segments = path.split('/');
  const matching = routes.filter((route) => {
    const pattern = route.path.split('/');
    return (
      pattern.length === segments.length &&
      pattern.every((part, i) => (isParameter(part) ? segments[i] !== '' : part === segments[i]))
    );
  });
  return [...new Set(matching.map(({ method }) => method))].sort();
}
