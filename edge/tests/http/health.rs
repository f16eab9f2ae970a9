//! `/health/…`.

use crate::doubles::town;

#[tokio::test]
async fn a_process_that_works_says_so() {
    let (client, _) = town();
    for (path, said) in [("live", "live"), ("ready", "ready"), ("startup", "started")] {
        let reply = client.get(&format!("/health/{path}")).await;
        assert_eq!((reply.status.as_u16(), reply.json()["status"].as_str()), (200, Some(said)));
    }
}

#[tokio::test]
async fn a_process_that_misses_something_is_live_and_says_what() {
    let (client, town) = town();
    town.break_down("order: REBALANCING");
    for path in ["ready", "startup"] {
        let reply = client.get(&format!("/health/{path}")).await;
        assert_eq!((reply.problem().0, &reply.json()["detail"]), (503, &"order: REBALANCING".into()));
    }
    assert_eq!(client.get("/health/live").await.status, 200);
}
