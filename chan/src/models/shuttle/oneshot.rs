//! Questions and answers: two clients that may give up ask a server that may not answer.
use super::*;
use crate::oneshot;

#[test]
fn oneshot_questions() {
    flow(|| {
        let tally = Tally::new();
        let (ask, asked) = bounded::<(u32, oneshot::Sender<Value>)>(1);
        let clients = [0, 1].map(|client| {
            let ask = ask.clone();
            spawn(async move {
                for number in [client, client + 2] {
                    let (answer, mut reply) = oneshot();
                    ask.send((number, answer)).await.unwrap();
                    let got = match impatient(&mut reply).await {
                        Some(got) => got,
                        None if thread_rng().gen_bool(0.5) => continue, // gives up
                        None => reply.await,
                    };
                    // Question 3 is not answered.
                    assert_eq!(got.map(|value| value.number), (number != 3).then_some(number));
                }
            })
        });
        drop(ask);
        let server = {
            let tally = tally.clone();
            spawn(async move {
                let mut questions = 0;
                while let Some((number, mut answer)) = asked.recv().await {
                    questions += 1;
                    if impatient(answer.closed()).await.is_some() {
                        assert!(answer.is_closed());
                    }
                    if number != 3
                        && let Err(SendError(back)) = answer.send(tally.value(number))
                    {
                        assert_eq!(back.number, number);
                    }
                }
                questions
            })
        };
        clients.into_iter().for_each(join);
        assert_eq!(join(server), 4);
        tally.check();
    });
}
