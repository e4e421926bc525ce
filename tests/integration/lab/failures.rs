//! What goes wrong on a host, in an image, in a change.

use super::bench::{Lab, containers};

#[test]
fn a_failed_installation_is_shown_and_nothing_is_left() {
    let Some(lab) = Lab::turn("a broken package repository") else {
        return;
    };
    lab.tool(&["fault", "repo", "--nth", "3"]);
    let applied = lab.apply().expect(3);
    applied
        .says("failed to install the Docker Engine on")
        .says("Unable to find a match: docker");
    lab.assert_empty("after the rollback");
}

#[test]
fn an_image_that_does_not_exist_fails_with_the_tasks_error_and_a_change_goes_back() {
    let Some(lab) = Lab::turn("images that fail") else {
        return;
    };
    // Two hosts do for services.
    lab.edit("count = 3", "count = 1");
    lab.edit("count = 2", "count = 1");
    lab.edit("image = \"alpine\"", "image = \"no/such-image\"");
    lab.apply().expect(3).says("No such image");
    lab.assert_empty("after the rollback");

    lab.edit("image = \"no/such-image\"", "image = \"alpine\"");
    lab.apply().expect(0);
    let addresses = lab.addresses();
    let good = lab.manifest();
    for (image, error) in [
        ("no/such-image", "No such image"),
        ("crash", "exit"),
        ("unhealthy", "unhealthy"),
    ] {
        lab.edit(
            "image = \"mingsiro71/replyhost\"        # answers",
            &format!("image = \"{image}\"        # answers"),
        );
        lab.apply().expect(3).says(error);
        lab.write(&good);
        lab.run(&["plan", "--detailed-exitcode"]).expect(0);
        for address in &addresses {
            assert!(containers(address).len() >= 4, "{address} after {image}");
        }
    }
    lab.run(&["destroy", "--yes"]).expect(0);
    lab.assert_empty("after destroy");
}
