// Which methods a path has, of all routes: whoever asks with another one is told, instead of that there is nothing.

import type { App } from './app-type.ts'

/** To be called before the routes are registered. Gives the methods of the routes that a request's URL fits; none: no such path. */
export function collectMethods(app: App): (url: string) => string[] {
  const byUrl = new Map<string, { readonly fits: RegExp; readonly methods: Set<string> }>()
  app.addHook('onRoute', ({ method, url }) => {
    const route = byUrl.get(url) ?? { fits: patternOf(url), methods: new Set() }
    byUrl.set(url, route)
    for (const each of [method].flat()) route.methods.add(each)
  })
  return (url) => {
    const path = pathOf(url)
    const found = [...byUrl.values()].filter(({ fits }) => fits.test(path)).flatMap(({ methods }) => [...methods])
    return [...new Set(found)].sort()
  }
}

/** As the router reads it: what stands for a slash or another mark of a URL stays as it is written. */
function pathOf(url: string): string {
  const [path = ''] = url.split(/[?;#]/)
  try {
    return decodeURI(path)
  } catch {
    return path
  }
}

/** A parameter is one segment, a star all the rest. */
function patternOf(url: string): RegExp {
  const escaped = url.replace(/[.+?^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`^${escaped.replace(/:\w+/g, '[^/]+').replace(/\*$/, '.*')}$`, 's')
}
