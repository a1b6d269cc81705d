import csharp from '../../test/samples/csharp/Verify.cs' with { type: 'text' };
import go from '../../test/samples/go/verify.go' with { type: 'text' };
import java from '../../test/samples/java/Verify.java' with { type: 'text' };
import node from '../../test/samples/node/verify.mjs' with { type: 'text' };
import php from '../../test/samples/php/verify.php' with { type: 'text' };
import python from '../../test/samples/python/verify.py' with { type: 'text' };
import ruby from '../../test/samples/ruby/verify.rb' with { type: 'text' };
import shell from '../../test/samples/shell/verify.sh' with { type: 'text' };

/** Code that verifies a delivery's signature, as a customer copies it. */
export interface Sample {
  /** For ids and links: `node`, `python`, … */
  key: string;
  language: string;
  code: string;
}

/** The files of test/samples, where each is run on live deliveries. */
export const SAMPLES: readonly Sample[] = [
  { key: 'node', language: 'Node.js', code: node },
  { key: 'python', language: 'Python', code: python },
  { key: 'go', language: 'Go', code: go },
  { key: 'php', language: 'PHP', code: php },
  { key: 'ruby', language: 'Ruby', code: ruby },
  { key: 'java', language: 'Java', code: java },
  { key: 'csharp', language: 'C#', code: csharp },
  { key: 'shell', language: 'Shell', code: shell },
];
