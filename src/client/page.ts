/** What a page of a browser tells of itself; elsewhere nothing is told. */

type Listen = (type: string, listener: (event: PageEvent) => void) => void

/** What is used of `globalThis` in a page or a worker of one. */
export interface PageScope {
  readonly addEventListener?: Listen
  readonly removeEventListener?: Listen
  readonly document?: { readonly visibilityState: string }
}

interface PageEvent {
  readonly type: string
  /** The page goes to a cache, and may come back as it was. */
  readonly persisted?: boolean
}

export interface PageListener {
  /** The network is back, or somebody looks again: a connection may have died unseen. */
  awake(): void
  /** The page goes away; it comes back as it was, perhaps. */
  leaving(mayReturn: boolean): void
}

/** What the page tells its window; `visibilitychange` comes there from the document. */
const TYPES = ['online', 'pageshow', 'pagehide', 'visibilitychange']

/** @returns Takes all listeners away. */
export function watchPage(scope: PageScope, { awake, leaving }: PageListener): () => void {
  const listener = ({ type, persisted }: PageEvent): void => {
    if (type === 'pagehide') leaving(persisted === true)
    else if (type !== 'visibilitychange' || scope.document?.visibilityState === 'visible') awake()
  }
  for (const type of TYPES) scope.addEventListener?.(type, listener)
  return () => {
    for (const type of TYPES) scope.removeEventListener?.(type, listener)
  }
}
