import csharp from '../../../test/samples/csharp/Verify.cs' with { type: 'text' };
import csharpBody from '../../../test/samples/csharp/VerifyBody.cs' with { type: 'text' };
import go from '../../../test/samples/go/verify.go' with { type: 'text' };
import goBody from '../../../test/samples/go/verify_body.go' with { type: 'text' };
import java from '../../../test/samples/java/Verify.java' with { type: 'text' };
import javaBody from '../../../test/samples/java/VerifyBody.java' with { type: 'text' };
import node from '../../../test/samples/node/verify.mjs' with { type: 'text' };
import nodeBody from '../../../test/samples/node/verify-body.mjs' with { type: 'text' };
import php from '../../../test/samples/php/verify.php' with { type: 'text' };
import phpBody from '../../../test/samples/php/verify-body.php' with { type: 'text' };
import python from '../../../test/samples/python/verify.py' with { type: 'text' };
import pythonBody from '../../../test/samples/python/verify_body.py' with { type: 'text' };
import ruby from '../../../test/samples/ruby/verify.rb' with { type: 'text' };
import rubyBody from '../../../test/samples/ruby/verify_body.rb' with { type: 'text' };
import shell from '../../../test/samples/shell/verify.sh' with { type: 'text' };
import shellBody from '../../../test/samples/shell/verify-body.sh' with { type: 'text' };

/** Code that verifies a delivery's signature, as a customer copies it. */
export interface Sample {
  /** For ids and links: `node`, `python`, … */
  key: string;
  language: string;
  /** For `webhook-signature`, with the time of the delivery. */
  code: string;
  /** For `X-Bullseye-Signature`, of the body alone. */
  bodyCode: string;
}

/** The files of test/samples, where each is run on live deliveries. */
export const SAMPLES: readonly Sample[] = [
  { key: 'node', language: 'Node.js', code: node, bodyCode: nodeBody },
  { key: 'python', language: 'Python', code: python, bodyCode: pythonBody },
  { key: 'go', language: 'Go', code: go, bodyCode: goBody },
  { key: 'php', language: 'PHP', code: php, bodyCode: phpBody },
  { key: 'ruby', language: 'Ruby', code: ruby, bodyCode: rubyBody },
  { key: 'java', language: 'Java', code: java, bodyCode: javaBody },
  { key: 'csharp', language: 'C#', code: csharp, bodyCode: csharpBody },
  { key: 'shell', language: 'Shell', code: shell, bodyCode: shellBody },
];
